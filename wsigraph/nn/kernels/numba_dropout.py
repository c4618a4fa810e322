"""Dropout of rows on a CPU, over threads."""

from __future__ import annotations

import numba

from wsigraph.nn.kernels.numba_philox import drop_rows
from wsigraph.nn.kernels.numba_variants import BLOCK, block_loop


def _drop(x, seed, threshold, scale, out):
    rows = x.shape[0]
    for block in numba.prange((rows + BLOCK - 1) // BLOCK):
        first, last = block * BLOCK, min(rows, (block + 1) * BLOCK)
        drop_rows(x[first:last], first, seed, threshold, scale, out[first:last])


drop = block_loop(_drop)
