"""How near numbers come to the truth, on plain rows and on many resamples at once.

Everywhere: ``targets [n, K + 1]`` are numbers or NaN (unknown: left out) and in the last column the fold,
``values [n, K]`` what was answered; ``weights [R, n]`` says how often each row stands in each resample.
Where truth or answer do not vary, R2 and correlations are NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from wsigraph.evaluation.resampled import divide, groups

_TINY = 1e-12  # of a spread, relative to the size of the numbers: below it nothing varies


def mae(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Mean absolute error of each value ``[K]``, in its units."""
    return _each(sk.mean_absolute_error, targets, values)


def rmse(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Root of the mean squared error of each value ``[K]``, in its units."""
    return _each(sk.root_mean_squared_error, targets, values)


def r2(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of the variance explained ``[K]``: 0 is the mean of the scored slides, below 0 is worse."""
    return _each(lambda t, v: sk.r2_score(t, v) if _varies(t) else np.nan, targets, values)


def pearson(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each value ``[K]``."""
    return _each(lambda t, v: _correlated(stats.pearsonr, t, v), targets, values)


def spearman(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Spearman's correlation of ranks of each value ``[K]``; ties share a rank."""
    return _each(lambda t, v: _correlated(stats.spearmanr, t, v), targets, values)


def resampled_mae(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean absolute error ``[R, K]``."""
    return _each_resampled(lambda t, v, w: divide(w @ np.abs(v - t), w.sum(1)), targets, values, weights)


def resampled_rmse(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Root of the mean squared error ``[R, K]``."""
    return _each_resampled(
        lambda t, v, w: np.sqrt(divide(w @ np.square(v - t), w.sum(1))), targets, values, weights
    )


def resampled_r2(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """R2 ``[R, K]``, against the mean of each resample."""

    def one(truth: np.ndarray, value: np.ndarray, w: np.ndarray) -> np.ndarray:
        return 1.0 - divide(w @ np.square(value - truth), _spread(np.broadcast_to(truth, w.shape), w))

    return _each_resampled(one, targets, values, weights)


def resampled_pearson(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson's correlation ``[R, K]``."""

    def one(truth: np.ndarray, value: np.ndarray, w: np.ndarray) -> np.ndarray:
        return _weighted_correlation(np.broadcast_to(truth, w.shape), np.broadcast_to(value, w.shape), w)

    return _each_resampled(one, targets, values, weights)


def resampled_spearman(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman's correlation ``[R, K]``, ranks drawn anew in each resample."""
    return _each_resampled(
        lambda t, v, w: _weighted_correlation(_ranks(t, w), _ranks(v, w), w), targets, values, weights
    )


def _ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``[R, n]``: mean rank of each row among the rows repeated by their weights."""
    order, starts = groups(values)
    held = np.add.reduceat(weights[:, order], starts, axis=1)
    rank = np.cumsum(held, axis=1) - held / 2
    group = np.repeat(np.arange(len(starts)), np.diff([*starts, len(values)]))
    ranks = np.empty(weights.shape)
    ranks[:, order] = rank[:, group]
    return ranks


def _weighted_correlation(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    spread = _spread(a, weights) * _spread(b, weights)
    return divide((weights * _centred(a, weights) * _centred(b, weights)).sum(1), np.sqrt(spread))


def _spread(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum of squares about the mean ``[R]``; 0 where nothing varies but rounding."""
    centred = _centred(values, weights)
    spread = (weights * np.square(centred)).sum(1)
    size = (weights * np.square(values)).sum(1)
    return np.where(spread > _TINY * size, spread, 0.0)


def _centred(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values - divide((weights * values).sum(1), weights.sum(1))[:, None]


def _varies(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.ptp(values) > 0)


def _correlated(score: Callable[..., tuple], truth: np.ndarray, value: np.ndarray) -> float:
    return float(score(truth, value)[0]) if _varies(truth) and _varies(value) else float("nan")


def _each(
    score: Callable[[np.ndarray, np.ndarray], float], targets: np.ndarray, values: np.ndarray
) -> np.ndarray:
    found = np.full(values.shape[1], np.nan)
    for k in range(values.shape[1]):
        known = ~np.isnan(targets[:, k])
        if known.any():
            found[k] = score(targets[known, k], values[known, k])
    return found


def _each_resampled(
    score: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    targets: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    columns = []
    for k in range(values.shape[1]):
        known = ~np.isnan(targets[:, k])
        some = weights[:, known]
        columns.append(
            score(targets[known, k], values[known, k], some) if known.any() else np.full(len(weights), np.nan)
        )
    return np.stack(columns, axis=1)
