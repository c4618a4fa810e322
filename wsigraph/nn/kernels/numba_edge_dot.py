"""Dot products of the rows at both ends of edges on a CPU, four at a time. Arrays as in ``numba_edges``."""

from __future__ import annotations

import numba

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _dot_rows(first, last, width, sources, s_stride, targets, t_stride, ptr, other, out):
    width, s_stride, t_stride = U(width), U(s_stride), U(t_stride)
    zero = sources.dtype.type(0)
    for v in range(U(first), U(last)):
        own, i, end = v * t_stride, U(ptr[v]), U(ptr[v + U(1)])
        while i + U(4) <= end:
            u1, u2 = U(other[i]) * s_stride, U(other[i + U(1)]) * s_stride
            u3, u4 = U(other[i + U(2)]) * s_stride, U(other[i + U(3)]) * s_stride
            d1, d2, d3, d4 = zero, zero, zero, zero
            for c in range(width):
                x = targets[own + c]
                d1 += x * sources[u1 + c]
                d2 += x * sources[u2 + c]
                d3 += x * sources[u3 + c]
                d4 += x * sources[u4 + c]
            out[i], out[i + U(1)], out[i + U(2)], out[i + U(3)] = d1, d2, d3, d4
            i += U(4)
        while i < end:
            u1, d1 = U(other[i]) * s_stride, zero
            for c in range(width):
                d1 += targets[own + c] * sources[u1 + c]
            out[i] = d1
            i += U(1)


def _dot(width, sources, s_stride, targets, t_stride, ptr, other, out):
    """``out[e] = sources[other[e]] . targets[v]`` for the edges e of each target v."""
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _dot_rows(first, last, width, sources, s_stride, targets, t_stride, ptr, other, out)


dot = block_loop(_dot)
