"""p-values of several tests asked at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsigraph.errors import RunError, expected


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    r"""Holm's step-down correction: the chance of even one false alarm in the family stays at the level.

    .. math::  \tilde p_{(i)} = \max_{j \le i} \min\{1, (m - j + 1)\, p_{(j)}\}

    with :math:`p_{(1)} \le \dots \le p_{(m)}`. A family is every test that could have been reported as a
    finding, fixed before the tests are seen.

    Args:
        p_values: One per test; NaN where a test is undefined.

    Shape: ``[m]`` -> ``[m]``, in the order given.
    Raises: RunError: if a value is not a probability.
    Source: Holm 1979, section 3. Differs: an undefined test stays NaN, and still counts to the family m.
    """
    given = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(given))
    wrong = [float(p) for p in given[known] if not 0.0 <= p <= 1.0]
    if wrong:
        raise RunError(expected("holm", "p-values from 0 to 1", f"{wrong[0]}"))
    order = known[np.argsort(given[known], kind="stable")]
    factor = len(given) - np.arange(len(order))
    corrected = np.full(given.shape, np.nan)
    corrected[order] = np.maximum.accumulate(np.minimum(1.0, factor * given[order]))
    return corrected
