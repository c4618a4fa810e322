"""How well risks order the times to an event, on plain rows and on many resamples at once.

Everywhere: ``targets [n, 3]`` are time, event (1 happened, 0 censored) and fold, ``values [n, A]`` begin with
the risk; ``weights [R, n]`` says how often each row stands in each resample.
"""

from __future__ import annotations

import numpy as np

from wsigraph.evaluation.resampled import divide

_BLOCK = 4_000_000  # pairs held at once: 32 MB


def concordance(targets: np.ndarray, values: np.ndarray) -> float:
    r"""Harrell's concordance index: share of comparable pairs in which the earlier one has the larger risk.

    .. math::  C = \frac{\sum_{ij} c_{ij} \left( [r_i > r_j] + \tfrac12 [r_i = r_j] \right)}{\sum_{ij} c_{ij}}

    A pair is comparable (c = 1) where i had the event and j was known to be without it then: a later time, or
    the same time censored. Two events at one time are not. 1 is the right order, 0.5 what chance gives. Only
    answers of one fold are compared: the risks of two networks need not be on one scale. NaN where no pair is
    comparable.

    Source: Harrell et al. 1982; 1996, section 5.5. Differs: pairs within folds only.
    """
    return float(resampled_concordance(targets, values, np.ones((1, len(targets))))[0])


def resampled_concordance(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Concordance index ``[R]``."""
    time, event, fold, risk = targets[:, 0], targets[:, 1] > 0, targets[:, 2], values[:, 0]
    right, all_pairs = np.zeros(len(weights)), np.zeros(len(weights))
    rows = np.flatnonzero(event)
    block = max(1, _BLOCK // max(len(time), 1))
    for start in range(0, len(rows), block):
        i = rows[start : start + block]
        later = (time[i, None] < time) | ((time[i, None] == time) & ~event)
        comparable = (later & (fold[i, None] == fold)).astype(np.float64)
        won = comparable * ((risk[i, None] > risk) + 0.5 * (risk[i, None] == risk))
        right += (weights[:, i] * (weights @ won.T)).sum(1)
        all_pairs += (weights[:, i] * (weights @ comparable.T)).sum(1)
    return divide(right, all_pairs)
