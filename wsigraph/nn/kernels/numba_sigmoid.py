"""Sigmoid in a form that compilers vectorise."""

from __future__ import annotations

import numba

from wsigraph.nn.kernels.numba_exp import softmax_exp


@numba.njit(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def sigmoid(x, one):
    """One over 1 + e^-x; the exponential is never of a positive number. ``one`` is 1 in the type of x."""
    small = softmax_exp(-abs(x))
    share = one / (one + small)
    return share if x >= 0 else small * share
