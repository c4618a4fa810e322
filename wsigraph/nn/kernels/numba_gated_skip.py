"""The loops of a skip behind a gate on a CPU: each row is read once and written once. Arrays are flat."""

from __future__ import annotations

import numba

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_sigmoid import sigmoid
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _forward_rows(first, last, width, y, u, skip, gate, stride, out):
    one = y.dtype.type(1)
    for row in range(U(first), U(last)):
        base, side = row * U(width), row * U(stride)
        for c in range(U(width)):
            z = gate[side + c]
            out[base + c] = (y[base + c] + skip[c] * u[base + c]) * (z * sigmoid(z, one))


@row_loop
def _backward_rows(first, last, width, grad, y, u, skip, gate, stride, d_y, d_u, d_gate, d_skip):
    """``d_skip`` is the sum of this block over rows."""
    one = y.dtype.type(1)
    for c in range(U(width)):
        d_skip[c] = 0
    for row in range(U(first), U(last)):
        base, side = row * U(width), row * U(stride)
        for c in range(U(width)):  # short loops over few arrays: longer ones are not vectorised
            share = sigmoid(gate[side + c], one)
            d_y[base + c] = grad[base + c] * (gate[side + c] * share)
            d_gate[base + c] = grad[base + c] * (share * (one + gate[side + c] * (one - share)))
        for c in range(U(width)):
            d_gate[base + c] *= y[base + c] + skip[c] * u[base + c]
        for c in range(U(width)):
            d_u[base + c] = d_y[base + c] * skip[c]
            d_skip[c] += d_y[base + c] * u[base + c]


def _forward(rows, width, y, u, skip, gate, stride, out):
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _forward_rows(first, last, width, y, u, skip, gate, stride, out)


def _backward(rows, width, grad, y, u, skip, gate, stride, d_y, d_u, d_gate, d_skip):
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _backward_rows(first, last, width, grad, y, u, skip, gate, stride, d_y, d_u, d_gate, d_skip[block])


forward = block_loop(_forward)
backward = block_loop(_backward)
