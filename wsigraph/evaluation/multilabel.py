"""How well each of several labels is told, on plain rows and on many resamples at once.

Everywhere: ``targets [n, K + 1]`` are 1, 0 or NaN (unknown: left out) and in the last column the fold,
``values [n, K]`` probabilities; ``weights [R, n]`` says how often each row stands in each resample.
A label that is nowhere present, or nowhere absent, has no area: NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn import metrics as sk

from wsigraph.evaluation.resampled import Resampled, area, divide, groups


def auc(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each label ``[K]``."""
    return _each(sk.roc_auc_score, targets, values)


def average_precision(targets: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Average precision of each label ``[K]``: mean precision, weighed by the recall it adds.

    By chance it is the share of slides with the label, so it says little without that share.
    """
    return _each(sk.average_precision_score, targets, values)


def resampled_auc(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC of each label ``[R, K]``."""
    return _each_resampled(area, targets, values, weights)


def resampled_precision(targets: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision of each label ``[R, K]``."""
    return _each_resampled(precision_of, targets, values, weights)


def _each(
    score: Callable[[np.ndarray, np.ndarray], float], targets: np.ndarray, values: np.ndarray
) -> np.ndarray:
    found = np.full(values.shape[1], np.nan)
    for k in range(values.shape[1]):
        known = ~np.isnan(targets[:, k])
        truth = targets[known, k] == 1.0
        if truth.any() and not truth.all():
            found[k] = score(truth, values[known, k])
    return found


def _each_resampled(
    score: Resampled, targets: np.ndarray, values: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    columns = []
    for k in range(values.shape[1]):
        known = ~np.isnan(targets[:, k])
        columns.append(score(targets[known, k] == 1.0, values[known, k], weights[:, known]))
    return np.stack(columns, axis=1)


def precision_of(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision per resample; rows of one score are found together."""
    if not len(score):
        return np.full(len(weights), np.nan)
    order, starts = groups(-score)
    hits = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    found = np.cumsum(np.add.reduceat(weights[:, order], starts, axis=1), axis=1)
    precision = np.cumsum(hits, axis=1) / np.where(found > 0, found, 1.0)
    all_hits, rest = hits.sum(1), weights @ (~positive)
    return divide((precision * hits).sum(1), np.where(rest > 0, all_hits, 0.0))
