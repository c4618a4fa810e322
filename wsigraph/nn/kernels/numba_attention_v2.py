"""The loops of GATv2's attention on a CPU: logits look at both ends, so each edge reads two rows."""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_attention import softmax_backward_rows, softmax_rows
from wsigraph.nn.kernels.numba_edges import U, gather_rows
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _logit_rows(first, last, heads, width, h, h_stride, g, g_stride, a, ptr, source, slope, attention):
    heads, width, h_stride, g_stride = U(heads), U(width), U(h_stride), U(g_stride)
    slope, zero = h.dtype.type(slope), h.dtype.type(0)
    for v in range(U(first), U(last)):
        mine = v * g_stride
        for e in range(U(ptr[v]), U(ptr[v + U(1)])):
            u = U(source[e]) * h_stride
            for k in range(heads):
                total = zero
                for c in range(k * width, (k + U(1)) * width):
                    x = h[u + c] + g[mine + c]
                    total += a[c] * (x if x > 0 else x * slope)
                attention[e * heads + k] = total


def _forward(
    heads, width, h, h_stride, g, g_stride, a, keep, ptr, source, edge, slope, attention, weight, out
):
    rows, heads = ptr.shape[0] - 1, U(heads)
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _logit_rows(first, last, heads, width, h, h_stride, g, g_stride, a, ptr, source, slope, attention)
        softmax_rows(first, last, heads, ptr, keep, attention, weight)
        gather_rows(first, last, heads, width, h, h_stride, weight, ptr, source, edge, out)


@row_loop
def _target_rows(
    first, last, heads, width, h, h_stride, g, g_stride, a, ptr, source, slope, d_logit, d_g, d_a
):
    heads, width, h_stride, g_stride = U(heads), U(width), U(h_stride), U(g_stride)
    row, slope = heads * width, h.dtype.type(slope)
    d_a[:] = 0
    for v in range(U(first), U(last)):
        base, mine = v * row, v * g_stride
        for c in range(base, base + row):
            d_g[c] = 0
        for e in range(U(ptr[v]), U(ptr[v + U(1)])):
            u = U(source[e]) * h_stride
            for k in range(heads):
                d = d_logit[e * heads + k]
                low = d * slope
                for c in range(k * width, (k + U(1)) * width):
                    x = h[u + c] + g[mine + c]
                    steep = d if x > 0 else low
                    d_g[base + c] += steep
                    d_a[c] += steep * x
        for c in range(row):
            d_g[base + c] *= a[c]


def _backward_target(
    heads, width, h, h_stride, g, g_stride, a, ptr, source, slope, attention, weight, dot, d_g, d_a
):
    rows, heads = ptr.shape[0] - 1, U(heads)
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        softmax_backward_rows(first, last, heads, ptr, attention, weight, dot)
        _target_rows(
            first, last, heads, width, h, h_stride, g, g_stride, a, ptr, source, slope, dot, d_g, d_a[block]
        )


@row_loop
def _source_rows(
    first, last, heads, width, h, h_stride, g, g_stride, a, ptr, target, edge, slope, d_logit, d_h
):
    heads, width, h_stride, g_stride = U(heads), U(width), U(h_stride), U(g_stride)
    row, slope = heads * width, h.dtype.type(slope)
    total = np.empty(row, h.dtype)
    for u in range(U(first), U(last)):
        base, mine = u * row, u * h_stride
        total[:] = 0
        for i in range(U(ptr[u]), U(ptr[u + U(1)])):
            p, v = U(edge[i]) * heads, U(target[i]) * g_stride
            for k in range(heads):
                d = d_logit[p + k]
                low = d * slope
                for c in range(k * width, (k + U(1)) * width):
                    total[c] += d if h[mine + c] + g[v + c] > 0 else low
        for c in range(row):
            d_h[base + c] += total[c] * a[c]


def _backward_source(heads, width, h, h_stride, g, g_stride, a, ptr, target, edge, slope, d_logit, d_h):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _source_rows(
            first, last, heads, width, h, h_stride, g, g_stride, a, ptr, target, edge, slope, d_logit, d_h
        )


forward = block_loop(_forward)
backward_target = block_loop(_backward_target)
backward_source = block_loop(_backward_source)
