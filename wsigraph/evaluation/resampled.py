"""The metrics of many resamples at once: a resample is a row of weights, a metric is a matrix product.

Everywhere: ``weights [R, n]`` says how often each of the n rows stands in each of the R resamples. Values
equal those of :mod:`wsigraph.evaluation.metrics` on the rows repeated that often; undefined ones are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from wsigraph.evaluation import metrics

Resampled = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def accuracy(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Accuracy ``[R]``."""
    return divide(weights @ (probabilities.argmax(1) == labels), weights.sum(1))


def balanced_accuracy(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Balanced accuracy ``[R]``, over the classes that occur in each resample."""
    return np.asarray(metrics.defined_mean(recall(labels, probabilities, weights), axis=1))


def auc(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC ``[R]``: of class 1 of two, else the macro mean; NaN where a class is absent."""
    if probabilities.shape[1] == 2:
        return area(labels == 1, probabilities[:, 1], weights)
    return auc_per_class(labels, probabilities, weights).mean(1)


def f1(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Macro F1 ``[R]``."""
    hits, actual, predicted = _class_counts(labels, probabilities, weights)
    return np.asarray(metrics.defined_mean(divide(2 * hits, actual + predicted), axis=1))


def brier(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Multi-class Brier score ``[R]``."""
    distance = np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(1)
    return divide(weights @ distance, weights.sum(1))


def ece(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Expected calibration error ``[R]``."""
    gaps = weights @ metrics.calibration_gaps(labels, probabilities)
    return divide(np.abs(gaps).sum(1), weights.sum(1))


def recall(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Recall of each class ``[R, K]``."""
    hits, actual, _ = _class_counts(labels, probabilities, weights)
    return divide(hits, actual)


def precision(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Precision of each class ``[R, K]``."""
    hits, _, predicted = _class_counts(labels, probabilities, weights)
    return divide(hits, predicted)


def auc_per_class(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUC of each class against the rest ``[R, K]``."""
    columns = range(probabilities.shape[1])
    return np.stack([area(labels == k, probabilities[:, k], weights) for k in columns], axis=1)


def area(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of (positive, negative) pairs in the right order, ties counting half, per resample ``[R]``."""
    if not len(score):
        return np.full(len(weights), np.nan)
    order, starts = groups(score)
    above = np.add.reduceat(weights[:, order] * positive[order], starts, axis=1)
    below = np.add.reduceat(weights[:, order] * ~positive[order], starts, axis=1)
    lower = np.cumsum(below, axis=1) - below / 2
    return divide((above * lower).sum(1), above.sum(1) * below.sum(1))


def _class_counts(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    one = np.eye(probabilities.shape[1])
    actual, predicted = one[labels], one[probabilities.argmax(1)]
    return weights @ (actual * predicted), weights @ actual, weights @ predicted


def groups(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Order of the rows by score, and where in it each group of equal scores begins."""
    order = np.argsort(score, kind="stable")
    return order, np.flatnonzero(np.diff(score[order], prepend=-np.inf))


def divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The quotient, NaN where ``below`` is not above 0."""
    return above / np.where(below > 0, below, np.nan)


RESAMPLED: Mapping[str, Resampled] = MappingProxyType(
    {
        "accuracy": accuracy,
        "balanced_accuracy": balanced_accuracy,
        "auc": auc,
        "f1": f1,
        "brier": brier,
        "ece": ece,
    }
)
CLASS_RESAMPLED: Mapping[str, Resampled] = MappingProxyType(
    {"recall": recall, "precision": precision, "auc": auc_per_class}
)
