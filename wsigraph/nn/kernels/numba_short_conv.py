"""The loops of a short causal convolution with SiLU on a CPU, block of rows by block of rows.

Arrays are flat: rows ``[n, C]`` with the elements from one to the next beside them, weights ``[K, C]``, of
which the last stands at the row itself. The backward convolves again instead of reading what was kept.
"""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_sigmoid import sigmoid
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _convolve_row(row, width, taps, x, stride, weight, bias, out):
    """``out[c] = bias[c] + sum_k weight[k, c] x[row - K + 1 + k, c]`` over the rows that there are."""
    for c in range(U(width)):
        out[c] = bias[c]
    for k in range(max(0, taps - 1 - row), taps):
        source, tap = U(row - taps + 1 + k) * U(stride), U(k) * U(width)
        for c in range(U(width)):
            out[c] += weight[tap + c] * x[source + c]


@row_loop
def _forward_rows(first, last, width, taps, x, stride, weight, bias, out):
    sums, one = np.empty(width, x.dtype), x.dtype.type(1)
    for row in range(first, last):
        _convolve_row(row, width, taps, x, stride, weight, bias, sums)
        base = U(row) * U(width)
        for c in range(U(width)):
            out[base + c] = sums[c] * sigmoid(sums[c], one)


@row_loop
def _slope_rows(first, last, width, taps, grad, x, stride, weight, bias, slopes):
    """Gradients of the convolution's answers, ``[last - first, C]``."""
    one = x.dtype.type(1)
    for row in range(first, last):
        base, here = U(row) * U(width), U(row - first) * U(width)
        sums = slopes[here : here + U(width)]
        _convolve_row(row, width, taps, x, stride, weight, bias, sums)
        for c in range(U(width)):
            share = sigmoid(sums[c], one)
            sums[c] = grad[base + c] * share * (one + sums[c] * (one - share))


@row_loop
def _backward_rows(first, last, rows, width, taps, grad, x, stride, weight, bias, d_x, sums):
    """``sums`` are this block's over rows: for each of the weights, then the bias, ``[K + 1, C]``."""
    beyond = min(rows, last + taps - 1)  # rows that read these
    slopes = np.empty((beyond - first) * width, x.dtype)
    _slope_rows(first, beyond, width, taps, grad, x, stride, weight, bias, slopes)
    sums[:] = 0
    for row in range(first, last):
        base, here = U(row) * U(width), U(row - first) * U(width)
        for c in range(U(width)):
            sums[U(taps) * U(width) + c] += slopes[here + c]
            d_x[base + c] = 0
        for k in range(max(0, taps - 1 - row), taps):
            source, tap = U(row - taps + 1 + k) * U(stride), U(k) * U(width)
            for c in range(U(width)):
                sums[tap + c] += slopes[here + c] * x[source + c]
        for k in range(max(0, taps - beyond + row), taps):
            there, tap = here + U(taps - 1 - k) * U(width), U(k) * U(width)
            for c in range(U(width)):
                d_x[base + c] += weight[tap + c] * slopes[there + c]


def _forward(rows, width, taps, x, stride, weight, bias, out):
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _forward_rows(first, last, width, taps, x, stride, weight, bias, out)


def _backward(rows, width, taps, grad, x, stride, weight, bias, d_x, sums):
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _backward_rows(first, last, rows, width, taps, grad, x, stride, weight, bias, d_x, sums[block])


forward = block_loop(_forward)
backward = block_loop(_backward)
