"""How far from the truth an ordered class is, on plain rows and on many resamples at once.

Everywhere: ``labels [n]`` are class indices in order, ``probabilities [n, K]``, and the predicted class is
the most probable one; ``weights [R, n]`` says how often each row stands in each resample.
"""

from __future__ import annotations

import numpy as np
from sklearn import metrics as sk

from wsigraph.evaluation.resampled import divide


def quadratic_kappa(labels: np.ndarray, probabilities: np.ndarray) -> float:
    r"""Cohen's kappa with quadratic weights: 1 is agreement, 0 what chance gives.

    .. math::  \kappa = 1 - \frac{\sum_{ij} (i - j)^2 O_{ij}}{\sum_{ij} (i - j)^2 E_{ij}}

    NaN where truth and prediction are one and the same class throughout.

    Source: Cohen 1968.
    """
    predicted = probabilities.argmax(1)
    if not len(labels) or len({*labels.tolist(), *predicted.tolist()}) < 2:
        return float("nan")
    names = list(range(probabilities.shape[1]))
    return float(sk.cohen_kappa_score(labels, predicted, labels=names, weights="quadratic"))


def class_distance(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean absolute error of the class index: how many classes off, on average."""
    if not len(labels):
        return float("nan")
    return float(sk.mean_absolute_error(labels, probabilities.argmax(1)))


def resampled_kappa(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Quadratic kappa ``[R]``: the sums of squares that chance gives follow from two means."""
    predicted = probabilities.argmax(1)
    observed = weights @ np.square(predicted - labels)
    ours, theirs = weights @ predicted, weights @ labels
    chance = weights @ np.square(predicted) + weights @ np.square(labels)
    chance = chance - 2 * divide(ours * theirs, weights.sum(1))
    return 1.0 - divide(observed, np.where(chance > 1e-9, chance, 0.0))


def resampled_distance(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean absolute error of the class index ``[R]``."""
    return divide(weights @ np.abs(probabilities.argmax(1) - labels), weights.sum(1))
