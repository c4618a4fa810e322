"""The loops of fused graph attention on a CPU: per node, no message of an edge is ever stored.

Every output row is summed by one thread in the order of its edges, so results do not depend on the number
of threads. Arrays are flat, as in ``numba_edges``; what belongs to an edge stands in target order,
``[E, H]``.
"""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_edges import U, gather_rows
from wsigraph.nn.kernels.numba_exp import softmax_exp
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def softmax_rows(first, last, heads, ptr, keep, attention, weight):
    """Logits in ``attention`` become a softmax over each target's edges; ``weight`` is it times ``keep``."""
    begin, end = U(ptr[first]) * heads, U(ptr[last]) * heads
    for v in range(U(first), U(last)):
        low, high = U(ptr[v]) * heads, U(ptr[v + U(1)]) * heads
        for k in range(heads):
            top = attention.dtype.type(-np.inf)
            for p in range(low + k, high, heads):
                top = max(top, attention[p])
            for p in range(low + k, high, heads):
                attention[p] -= top
    for p in range(begin, end):
        attention[p] = softmax_exp(attention[p])
    for v in range(U(first), U(last)):
        low, high = U(ptr[v]) * heads, U(ptr[v + U(1)]) * heads
        for k in range(heads):
            total = 0.0
            for p in range(low + k, high, heads):
                total += attention[p]
            share = attention.dtype.type(1 / total) if total > 0 else attention.dtype.type(np.nan)
            for p in range(low + k, high, heads):
                attention[p] *= share
    if keep.shape[0] > 0:
        for p in range(begin, end):
            weight[p] = attention[p] * keep[p]


@row_loop
def softmax_backward_rows(first, last, heads, ptr, attention, weight, dot):
    """``dot``, the gradient of each weight before ``keep``, becomes the gradient of each logit."""
    for v in range(U(first), U(last)):
        low, high = U(ptr[v]) * heads, U(ptr[v + U(1)]) * heads
        for k in range(heads):
            mean = 0.0
            for p in range(low + k, high, heads):
                mean += weight[p] * dot[p]
            mean = dot.dtype.type(mean)
            for p in range(low + k, high, heads):
                dot[p] = weight[p] * dot[p] - attention[p] * mean


@row_loop
def _logit_rows(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, attention):
    s_stride, t_stride, slope = U(s_stride), U(t_stride), s.dtype.type(slope)
    for v in range(U(first), U(last)):
        for e in range(U(ptr[v]), U(ptr[v + U(1)])):
            u, p = U(source[e]) * s_stride, e * heads
            for k in range(heads):
                logit = s[u + k] + t[v * t_stride + k]
                attention[p + k] = logit if logit > 0 else logit * slope


def _forward(
    heads,
    width,
    h,
    h_stride,
    s,
    s_stride,
    t,
    t_stride,
    keep,
    ptr,
    source,
    edge,
    slope,
    attention,
    weight,
    out,
):
    rows, heads = ptr.shape[0] - 1, U(heads)
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _logit_rows(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, attention)
        softmax_rows(first, last, heads, ptr, keep, attention, weight)
        gather_rows(first, last, heads, width, h, h_stride, weight, ptr, source, edge, out)


@row_loop
def _target_rows(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, d_logit, d_t, d_stride):
    s_stride, t_stride, d_stride, slope = U(s_stride), U(t_stride), U(d_stride), s.dtype.type(slope)
    for v in range(U(first), U(last)):
        for k in range(heads):
            total, mine = 0.0, t[v * t_stride + k]
            for e in range(U(ptr[v]), U(ptr[v + U(1)])):
                d = d_logit[e * heads + k]
                if s[U(source[e]) * s_stride + k] + mine <= 0:
                    d *= slope
                    d_logit[e * heads + k] = d
                total += d
            d_t[v * d_stride + k] = total


def _backward_target(
    heads, s, s_stride, t, t_stride, ptr, source, slope, attention, weight, dot, d_t, d_stride
):
    rows, heads = ptr.shape[0] - 1, U(heads)
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        softmax_backward_rows(first, last, heads, ptr, attention, weight, dot)
        _target_rows(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, dot, d_t, d_stride)


@row_loop
def _source_rows(first, last, heads, ptr, edge, d_logit, d_s, d_stride):
    d_stride = U(d_stride)
    for u in range(U(first), U(last)):
        for k in range(heads):
            total = 0.0
            for i in range(U(ptr[u]), U(ptr[u + U(1)])):
                total += d_logit[U(edge[i]) * heads + k]
            d_s[u * d_stride + k] = total


def _backward_source(heads, ptr, edge, d_logit, d_s, d_stride):
    rows, heads = ptr.shape[0] - 1, U(heads)
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        _source_rows(block * BLOCK, min(rows, (block + 1) * BLOCK), heads, ptr, edge, d_logit, d_s, d_stride)


forward = block_loop(_forward)
backward_target = block_loop(_backward_target)
backward_source = block_loop(_backward_source)
