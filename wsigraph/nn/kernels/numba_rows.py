"""The loops of dropped rows on a CPU: gather and drop a block of rows, and give its gradient back."""

from __future__ import annotations

import numba
import numpy as np

from wsigraph.nn.kernels.numba_philox import PER_CALL, keep_row
from wsigraph.nn.kernels.numba_variants import block_loop


def _gather_dropped(values, rows, seed, threshold, scale, out):
    """``out[i] = drop(values[rows[i]])``."""
    width = values.shape[1]
    for i in numba.prange(rows.shape[0]):
        keep = np.empty((width + PER_CALL - 1) // PER_CALL * PER_CALL, np.uint8)
        keep_row(seed, rows[i], threshold, keep)
        for c in range(width):
            out[i, c] = values[rows[i], c] * scale if keep[c] else 0


def _gather_factors(rows, seed, threshold, scale, out):
    """``out[i]`` are the factors by which row ``rows[i]`` is dropped: 0 or ``scale``."""
    width = out.shape[1]
    for i in numba.prange(rows.shape[0]):
        keep = np.empty((width + PER_CALL - 1) // PER_CALL * PER_CALL, np.uint8)
        keep_row(seed, rows[i], threshold, keep)
        for c in range(width):
            out[i, c] = scale if keep[c] else 0


def _scatter_dropped(grad, rows, seed, threshold, scale, out):
    """``out[rows[i]] = grad[i]`` times the same factors; rows do not repeat."""
    width = grad.shape[1]
    for i in numba.prange(rows.shape[0]):
        keep = np.empty((width + PER_CALL - 1) // PER_CALL * PER_CALL, np.uint8)
        keep_row(seed, rows[i], threshold, keep)
        for c in range(width):
            out[rows[i], c] = grad[i, c] * scale if keep[c] else 0


gather_dropped = block_loop(_gather_dropped)
gather_factors = block_loop(_gather_factors)
scatter_dropped = block_loop(_scatter_dropped)
