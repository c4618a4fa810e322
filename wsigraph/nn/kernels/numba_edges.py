"""Weighted sums of rows along edges, four edges at a time so that sums are loaded and stored less often.

Arrays are flat, with the number of elements from one row to the next beside them; indices are unsigned
because Numba otherwise asks of each whether it counts from the end.
"""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop

U = np.uintp


@row_loop
def gather_rows(first, last, heads, width, h, stride, weight, ptr, other, edge, out):
    """Write ``out[v] = sum_e weight[e] h[other[e]]``, each head by its own weights."""
    heads, width, stride = U(heads), U(width), U(stride)
    for v in range(U(first), U(last)):
        base = v * heads * width
        for c in range(base, base + heads * width):
            out[c] = 0
        i, end = U(ptr[v]), U(ptr[v + U(1)])
        while i + U(4) <= end:
            p1, p2 = U(edge[i]) * heads, U(edge[i + U(1)]) * heads
            p3, p4 = U(edge[i + U(2)]) * heads, U(edge[i + U(3)]) * heads
            u1, u2 = U(other[i]) * stride, U(other[i + U(1)]) * stride
            u3, u4 = U(other[i + U(2)]) * stride, U(other[i + U(3)]) * stride
            for k in range(heads):
                w1, w2, w3, w4 = weight[p1 + k], weight[p2 + k], weight[p3 + k], weight[p4 + k]
                for c in range(k * width, (k + U(1)) * width):
                    out[base + c] += w1 * h[u1 + c] + w2 * h[u2 + c] + w3 * h[u3 + c] + w4 * h[u4 + c]
            i += U(4)
        while i < end:
            p1, u1 = U(edge[i]) * heads, U(other[i]) * stride
            for k in range(heads):
                w1 = weight[p1 + k]
                for c in range(k * width, (k + U(1)) * width):
                    out[base + c] += w1 * h[u1 + c]
            i += U(1)


@row_loop
def spread_rows(first, last, heads, width, grad, h, stride, weight, ptr, other, edge, d_h, d_stride, dot):
    """Gradient of ``gather_rows``: ``d_h[u] = sum_e weight[e] grad[v]`` and ``dot[e] = h[u] . grad[v]``."""
    if width == 64:
        _spread_rows(first, last, heads, U(64), grad, h, stride, weight, ptr, other, edge, d_h, d_stride, dot)
    else:
        _spread_rows(first, last, heads, width, grad, h, stride, weight, ptr, other, edge, d_h, d_stride, dot)


@row_loop
def _spread_rows(first, last, heads, width, grad, h, stride, weight, ptr, other, edge, d_h, d_stride, dot):
    heads, width, stride, d_stride = U(heads), U(width), U(stride), U(d_stride)
    row = heads * width
    zero = h.dtype.type(0)
    for u in range(U(first), U(last)):
        base, own = u * d_stride, u * stride
        for c in range(base, base + row):
            d_h[c] = 0
        i, end = U(ptr[u]), U(ptr[u + U(1)])
        while i + U(4) <= end:
            p1, p2 = U(edge[i]) * heads, U(edge[i + U(1)]) * heads
            p3, p4 = U(edge[i + U(2)]) * heads, U(edge[i + U(3)]) * heads
            v1, v2 = U(other[i]) * row, U(other[i + U(1)]) * row
            v3, v4 = U(other[i + U(2)]) * row, U(other[i + U(3)]) * row
            for k in range(heads):
                w1, w2, w3, w4 = weight[p1 + k], weight[p2 + k], weight[p3 + k], weight[p4 + k]
                d1, d2, d3, d4 = zero, zero, zero, zero
                for c in range(k * width, (k + U(1)) * width):
                    x = h[own + c]
                    g1, g2, g3, g4 = grad[v1 + c], grad[v2 + c], grad[v3 + c], grad[v4 + c]
                    d1 += x * g1
                    d2 += x * g2
                    d3 += x * g3
                    d4 += x * g4
                    d_h[base + c] += w1 * g1 + w2 * g2 + w3 * g3 + w4 * g4
                dot[p1 + k], dot[p2 + k], dot[p3 + k], dot[p4 + k] = d1, d2, d3, d4
            i += U(4)
        while i < end:
            p1, v1 = U(edge[i]) * heads, U(other[i]) * row
            for k in range(heads):
                w1, d1 = weight[p1 + k], zero
                for c in range(k * width, (k + U(1)) * width):
                    d1 += h[own + c] * grad[v1 + c]
                    d_h[base + c] += w1 * grad[v1 + c]
                dot[p1 + k] = d1
            i += U(1)


def _gather(heads, width, h, stride, weight, ptr, other, edge, out):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        gather_rows(first, last, heads, width, h, stride, weight, ptr, other, edge, out)


def _spread(heads, width, grad, h, stride, weight, ptr, other, edge, d_h, d_stride, dot):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        spread_rows(first, last, heads, width, grad, h, stride, weight, ptr, other, edge, d_h, d_stride, dot)


gather = block_loop(_gather)
spread = block_loop(_spread)
