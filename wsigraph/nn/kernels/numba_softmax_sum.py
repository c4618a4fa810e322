"""The loops of the softmax-weighed sum on a CPU: each target's edges are walked twice, none is stored.

Arrays are flat, as in ``numba_edges``. The backward walks the edges out of each source and computes every
weight again from what the forward kept of its target.
"""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_edges import U
from wsigraph.nn.kernels.numba_exp import softmax_exp
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop, row_loop


@row_loop
def _forward_rows(first, last, width, h, stride, temperature, ptr, other, out, top, share):
    """Largest logit, one over the sum of exponentials, and the weighed sum, of each target and channel."""
    width, stride, t = U(width), U(stride), temperature[0]
    zero, one = h.dtype.type(0), h.dtype.type(1)
    for v in range(U(first), U(last)):
        base, begin, end = v * width, U(ptr[v]), U(ptr[v + U(1)])
        for c in range(base, base + width):
            out[c] = zero
            share[c] = zero
            top[c] = zero if begin == end else h.dtype.type(-np.inf)
        for i in range(begin, end):
            u = U(other[i]) * stride
            for c in range(width):
                top[base + c] = max(top[base + c], t * h[u + c])
        for i in range(begin, end):
            u = U(other[i]) * stride
            for c in range(width):
                weight = softmax_exp(t * h[u + c] - top[base + c])
                share[base + c] += weight
                out[base + c] += weight * h[u + c]
        if begin < end:
            for c in range(base, base + width):
                share[c] = one / share[c]
                out[c] *= share[c]


@row_loop
def _backward_rows(first, last, width, h, stride, temperature, ptr, other, scaled, out, top, d_h, d_t):
    """Gradient of each source, its part of the temperature's; ``scaled`` is the target's times its share."""
    width, stride, t = U(width), U(stride), temperature[0]
    one, weighed = h.dtype.type(1), np.empty(width, h.dtype)
    for u in range(U(first), U(last)):
        base, own = u * width, u * stride
        for c in range(base, base + width):
            d_h[c] = 0
        total = 0.0
        for i in range(U(ptr[u]), U(ptr[u + U(1)])):
            v = U(other[i]) * width
            for c in range(width):  # short loops over few arrays: longer ones are not vectorised
                weighed[c] = softmax_exp(t * h[own + c] - top[v + c])
            part = h.dtype.type(0)
            for c in range(width):
                weighed[c] *= scaled[v + c]
                part += weighed[c] * (h[own + c] - out[v + c]) * h[own + c]
            for c in range(width):
                d_h[base + c] += weighed[c] * (one + t * (h[own + c] - out[v + c]))
            total += part
        d_t[u] = total


def _forward(width, h, stride, temperature, ptr, other, out, top, share):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _forward_rows(first, last, width, h, stride, temperature, ptr, other, out, top, share)


def _backward(width, h, stride, temperature, ptr, other, scaled, out, top, d_h, d_t):
    rows = ptr.shape[0] - 1
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        _backward_rows(first, last, width, h, stride, temperature, ptr, other, scaled, out, top, d_h, d_t)


forward = block_loop(_forward)
backward = block_loop(_backward)
