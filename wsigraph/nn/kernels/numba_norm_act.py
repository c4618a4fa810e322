"""The loops of bias + residual -> LayerNorm -> PReLU on a CPU: each row is read once and written once."""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _standardise(out, bias, residual, eps, row, width, z):
    """``z`` becomes the standardised row; returns one over its standard deviation."""
    base, total = U(row) * width, out.dtype.type(0)
    if residual.shape[0] > 0:
        for c in range(width):
            z[c] = out[base + c] + bias[c] + residual[base + c]
    else:
        for c in range(width):
            z[c] = out[base + c] + bias[c]
    for c in range(width):
        total += z[c]
    mean, square = total / out.dtype.type(width), out.dtype.type(0)
    for c in range(width):
        z[c] -= mean
        square += z[c] * z[c]
    scale = out.dtype.type(1 / np.sqrt(square / width + eps))
    for c in range(width):
        z[c] *= scale
    return scale


@row_loop
def _forward_rows(first, last, out, bias, residual, weight, shift, slope, eps, y):
    width, steep = U(bias.shape[0]), slope[0]
    z = np.empty(bias.shape[0], out.dtype)
    for row in range(first, last):
        _standardise(out, bias, residual, eps, row, width, z)
        base = U(row) * width
        for c in range(width):
            a = z[c] * weight[c] + shift[c]
            y[base + c] = a if a > 0 else a * steep


@row_loop
def _backward_rows(first, last, grad, out, bias, residual, weight, shift, slope, eps, d_out, sums):
    """``sums`` are those of this block over rows: for weight, shift, bias and slope, ``[4, C]``."""
    width, steep = U(bias.shape[0]), slope[0]
    z, g = np.empty(bias.shape[0], out.dtype), np.empty(bias.shape[0], out.dtype)
    zero, share = out.dtype.type(0), out.dtype.type(1 / bias.shape[0])
    d_weight, d_shift, d_bias, d_slope = sums[0], sums[1], sums[2], sums[3]
    sums[:] = 0
    for row in range(first, last):
        scale = _standardise(out, bias, residual, eps, row, width, z)
        base, mean, along = U(row) * width, zero, zero
        for c in range(width):
            a, d = z[c] * weight[c] + shift[c], grad[base + c]
            d_slope[c] += d * a if a <= 0 else zero
            d = d if a > 0 else d * steep
            d_shift[c] += d
            d_weight[c] += d * z[c]
            g[c] = d * weight[c]
        for c in range(width):
            mean += g[c]
            along += g[c] * z[c]
        mean, along = mean * share, along * share
        for c in range(width):
            d = (g[c] - mean - z[c] * along) * scale
            d_out[base + c] = d
            d_bias[c] += d


def _forward(out, bias, residual, weight, shift, slope, eps, y):
    rows = out.shape[0] // bias.shape[0]
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _forward_rows(first, last, out, bias, residual, weight, shift, slope, eps, y)


def _backward(grad, out, bias, residual, weight, shift, slope, eps, d_out, sums):
    rows = out.shape[0] // bias.shape[0]
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _backward_rows(first, last, grad, out, bias, residual, weight, shift, slope, eps, d_out, sums[block])


forward = block_loop(_forward)
backward = block_loop(_backward)
