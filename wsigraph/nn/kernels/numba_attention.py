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
    if heads == 4:  # known when compiled: the loops over heads unroll into vectors
        _from_top(first, last, U(4), ptr, attention)
    else:
        _from_top(first, last, heads, ptr, attention)
    for p in range(begin, end):
        attention[p] = softmax_exp(attention[p])
    if heads == 4:
        _shares(first, last, U(4), ptr, attention)
    else:
        _shares(first, last, heads, ptr, attention)
    if keep.shape[0] > 0:
        for p in range(begin, end):
            weight[p] = attention[p] * keep[p]


@row_loop
def _from_top(first, last, heads, ptr, attention):
    top = np.empty(heads, attention.dtype)
    for v in range(U(first), U(last)):
        top[:] = -np.inf
        low, high = U(ptr[v]) * heads, U(ptr[v + U(1)]) * heads
        for p in range(low, high, heads):
            for k in range(heads):
                top[k] = max(top[k], attention[p + k])
        for p in range(low, high, heads):
            for k in range(heads):
                attention[p + k] -= top[k]


@row_loop
def _shares(first, last, heads, ptr, attention):
    total, share = np.empty(heads, np.float64), np.empty(heads, attention.dtype)
    for v in range(U(first), U(last)):
        total[:] = 0
        low, high = U(ptr[v]) * heads, U(ptr[v + U(1)]) * heads
        for p in range(low, high, heads):
            for k in range(heads):
                total[k] += attention[p + k]
        for k in range(heads):
            share[k] = 1 / total[k]
        for p in range(low, high, heads):
            for k in range(heads):
                attention[p + k] *= share[k]


@row_loop
def softmax_backward_rows(first, last, heads, ptr, attention, weight, dot):
    """``dot``, the gradient of each weight before ``keep``, becomes the gradient of each logit."""
    if heads == 4:
        _softmax_backward(first, last, U(4), ptr, attention, weight, dot)
    else:
        _softmax_backward(first, last, heads, ptr, attention, weight, dot)


@row_loop
def _softmax_backward(first, last, heads, ptr, attention, weight, dot):
    total, mean = np.empty(heads, np.float64), np.empty(heads, dot.dtype)
    for v in range(U(first), U(last)):
        total[:] = 0
        low, high = U(ptr[v]) * heads, U(ptr[v + U(1)]) * heads
        for p in range(low, high, heads):
            for k in range(heads):
                dot[p + k] *= weight[p + k]
                total[k] += dot[p + k]
        mean[:] = total
        for p in range(low, high, heads):
            for k in range(heads):
                dot[p + k] -= attention[p + k] * mean[k]


@row_loop
def _logit_rows(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, attention):
    if heads == 4:
        _logits(first, last, U(4), s, U(s_stride), t, U(t_stride), ptr, source, slope, attention)
    else:
        _logits(first, last, heads, s, U(s_stride), t, U(t_stride), ptr, source, slope, attention)


@row_loop
def _logits(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, attention):
    slope = s.dtype.type(slope)
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
    if heads == 4:
        _slopes(
            first, last, U(4), s, U(s_stride), t, U(t_stride), ptr, source, slope, d_logit, d_t, U(d_stride)
        )
    else:
        _slopes(
            first, last, heads, s, U(s_stride), t, U(t_stride), ptr, source, slope, d_logit, d_t, U(d_stride)
        )


@row_loop
def _slopes(first, last, heads, s, s_stride, t, t_stride, ptr, source, slope, d_logit, d_t, d_stride):
    total, slope = np.empty(heads, np.float64), s.dtype.type(slope)
    for v in range(U(first), U(last)):
        total[:] = 0
        for e in range(U(ptr[v]), U(ptr[v + U(1)])):
            u, p = U(source[e]) * s_stride, e * heads
            for k in range(heads):
                d = d_logit[p + k]
                d = d if s[u + k] + t[v * t_stride + k] > 0 else d * slope
                d_logit[p + k] = d
                total[k] += d
        for k in range(heads):
            d_t[v * d_stride + k] = total[k]


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
    if heads == 4:
        _sums(first, last, U(4), ptr, edge, d_logit, d_s, U(d_stride))
    else:
        _sums(first, last, heads, ptr, edge, d_logit, d_s, U(d_stride))


@row_loop
def _sums(first, last, heads, ptr, edge, d_logit, d_s, d_stride):
    total = np.empty(heads, np.float64)
    for u in range(U(first), U(last)):
        total[:] = 0
        for i in range(U(ptr[u]), U(ptr[u + U(1)])):
            p = U(edge[i]) * heads
            for k in range(heads):
                total[k] += d_logit[p + k]
        for k in range(heads):
            d_s[u * d_stride + k] = total[k]


def _backward_source(heads, ptr, edge, d_logit, d_s, d_stride):
    rows, heads = ptr.shape[0] - 1, U(heads)
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        _source_rows(block * BLOCK, min(rows, (block + 1) * BLOCK), heads, ptr, edge, d_logit, d_s, d_stride)


forward = block_loop(_forward)
backward_target = block_loop(_backward_target)
backward_source = block_loop(_backward_source)
