"""Exponential of numbers that are not positive, in a form that compilers vectorise."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import types
from numba.extending import overload

_LOG2E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_TAYLOR = tuple(np.float32(1 / math.factorial(n)) for n in range(7))
_LEAST = np.float32(-87.0)


def softmax_exp(x: Any) -> Any:
    """Exponential; on single precision to 2 units in the last place, and 0 below e^-87."""
    return math.exp(x)


@numba.njit(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)
def _single(x):
    # x = n ln 2 + r with |r| <= ln 2 / 2: e^x = 2^n e^r, and 2^n is written into the exponent's bits
    inside = _LEAST if x < _LEAST else x  # a missing value stays missing
    n = np.floor(inside * _LOG2E + np.float32(0.5))
    r = (inside - n * _LN2_HIGH) - n * _LN2_LOW
    p = _TAYLOR[6]
    p = p * r + _TAYLOR[5]
    p = p * r + _TAYLOR[4]
    p = p * r + _TAYLOR[3]
    p = p * r + _TAYLOR[2]
    p = p * r + _TAYLOR[1]
    p = p * r + _TAYLOR[0]
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32(0) if x < _LEAST else p * power


@overload(softmax_exp)
def _softmax_exp(x):
    return _single_door if x == types.float32 else _double_door


def _single_door(x):
    return _single(x)


def _double_door(x):
    return math.exp(x)
