"""Philox 4x32-10, the counter-based generator, inside Numba loops.

Each decision of a dropout depends on (seed, row, column) alone, so that the backward pass and any block of
rows can draw it again instead of storing it.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import numba
import numpy as np

PER_CALL = 8
"""Decisions of 16 bits from one call."""

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_LOW, _SHIFT, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint32(16)
_LOW16 = np.uint32(0xFFFF)


@numba.njit(cache=True, inline="always", error_model="numpy")
def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds over a counter of four 32-bit words under a key of two."""
    for _ in range(10):
        one, two = _M0 * np.uint64(c0), _M1 * np.uint64(c2)
        c0, c1, c2, c3 = (
            np.uint32(two >> _SHIFT) ^ c1 ^ k0,
            np.uint32(two & _LOW),
            np.uint32(one >> _SHIFT) ^ c3 ^ k1,
            np.uint32(one & _LOW),
        )
        k0, k1 = np.uint32(k0 + _W0), np.uint32(k1 + _W1)
    return c0, c1, c2, c3


@numba.njit(cache=True, error_model="numpy")
def keep_row(seed, row, threshold, keep):
    """Decide which columns of one row are kept: ``keep[c]`` is 1 with probability 1 - threshold / 65536.

    Call j decides the columns j, j + B, j + 2 B, ... of B calls, which lets the loop over calls run in
    vector registers.

    Args:
        seed: 64-bit seed.
        row: Number of the row.
        threshold: Of 65536 values of a decision, those that drop.
        keep: ``[8 B]`` uint8, written.
    """
    calls = keep.shape[0] // PER_CALL
    k0, k1 = np.uint32(seed & _LOW), np.uint32(seed >> _SHIFT)
    r0, r1 = np.uint32(np.uint64(row) & _LOW), np.uint32(np.uint64(row) >> _SHIFT)
    limit = np.uint32(threshold)
    for j in range(calls):
        a, b, c, d = philox(np.uint32(j), r0, r1, np.uint32(0), k0, k1)
        keep[j] = (a & _LOW16) >= limit
        keep[calls + j] = (a >> _HALF) >= limit
        keep[2 * calls + j] = (b & _LOW16) >= limit
        keep[3 * calls + j] = (b >> _HALF) >= limit
        keep[4 * calls + j] = (c & _LOW16) >= limit
        keep[5 * calls + j] = (c >> _HALF) >= limit
        keep[6 * calls + j] = (d & _LOW16) >= limit
        keep[7 * calls + j] = (d >> _HALF) >= limit
