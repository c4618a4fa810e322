"""The loops of moments over neighbours on a CPU: no message of an edge is ever stored.

Arrays are flat, as in ``numba_edges``. The backward walks the edges out of each source, and finds whether
the source was a target's largest or smallest by comparing the numbers again.
"""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _forward_rows(first, last, width, h, stride, ptr, other, mean, variance, largest, smallest):
    """Sum, largest and smallest in one walk, squares about the mean in another."""
    width, stride = U(width), U(stride)
    for v in range(U(first), U(last)):
        base, begin, end = v * width, U(ptr[v]), U(ptr[v + U(1)])
        for c in range(base, base + width):
            mean[c] = 0
            variance[c] = 0
            largest[c] = 0 if begin == end else -np.inf
            smallest[c] = 0 if begin == end else np.inf
        if begin == end:
            continue
        for i in range(begin, end):
            u = U(other[i]) * stride
            for c in range(width):
                x = h[u + c]
                mean[base + c] += x
                largest[base + c] = max(largest[base + c], x)
                smallest[base + c] = min(smallest[base + c], x)
        share = h.dtype.type(1) / h.dtype.type(end - begin)
        for c in range(base, base + width):
            mean[c] *= share
        for i in range(begin, end):
            u = U(other[i]) * stride
            for c in range(width):
                gap = h[u + c] - mean[base + c]
                variance[base + c] += gap * gap
        for c in range(base, base + width):
            variance[c] *= share


@row_loop
def _tie_rows(first, last, width, h, stride, ptr, other, largest, smallest, of_largest, of_smallest):
    """Divide the gradients of largest and smallest by the number of sources that have that value."""
    width, stride = U(width), U(stride)
    one, zero = h.dtype.type(1), h.dtype.type(0)
    high, low = np.empty(width, h.dtype), np.empty(width, h.dtype)
    for v in range(U(first), U(last)):
        base, begin, end = v * width, U(ptr[v]), U(ptr[v + U(1)])
        high[:] = zero
        low[:] = zero
        for i in range(begin, end):
            u = U(other[i]) * stride
            for c in range(width):
                x = h[u + c]
                high[c] += one if x == largest[base + c] else zero
                low[c] += one if x == smallest[base + c] else zero
        if begin < end:
            for c in range(width):
                of_largest[base + c] /= high[c]
                of_smallest[base + c] /= low[c]


@row_loop
def _backward_rows(
    first,
    last,
    width,
    h,
    stride,
    ptr,
    other,
    mean,
    of_mean,
    of_variance,
    largest,
    smallest,
    of_largest,
    of_smallest,
    d_h,
):
    """Gradient of each source."""
    width, stride, zero = U(width), U(stride), h.dtype.type(0)
    for u in range(U(first), U(last)):
        base, own = u * width, u * stride
        for c in range(base, base + width):
            d_h[c] = zero
        for i in range(U(ptr[u]), U(ptr[u + U(1)])):
            v = U(other[i]) * width
            for c in range(width):  # short loops over few arrays: longer ones are not vectorised
                d_h[base + c] += of_mean[v + c] + of_variance[v + c] * (h[own + c] - mean[v + c])
            for c in range(width):
                d_h[base + c] += of_largest[v + c] if h[own + c] == largest[v + c] else zero
            for c in range(width):
                d_h[base + c] += of_smallest[v + c] if h[own + c] == smallest[v + c] else zero


def _forward(width, h, stride, ptr, other, mean, variance, largest, smallest):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _forward_rows(first, last, width, h, stride, ptr, other, mean, variance, largest, smallest)


def _share_ties(width, h, stride, ptr, other, largest, smallest, of_largest, of_smallest):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _tie_rows(first, last, width, h, stride, ptr, other, largest, smallest, of_largest, of_smallest)


def _backward(
    width,
    h,
    stride,
    ptr,
    other,
    mean,
    of_mean,
    of_variance,
    largest,
    smallest,
    of_largest,
    of_smallest,
    d_h,
):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _backward_rows(
            first,
            last,
            width,
            h,
            stride,
            ptr,
            other,
            mean,
            of_mean,
            of_variance,
            largest,
            smallest,
            of_largest,
            of_smallest,
            d_h,
        )


forward = block_loop(_forward)
share_ties = block_loop(_share_ties)
backward = block_loop(_backward)
