"""Numbers that say how good a classifier's answers are, as pure functions.

Everywhere: ``labels [n]`` are class indices, ``probabilities [n, K]`` sum to 1 per row, and the
predicted class is the most probable one.
What cannot be computed (AUC with one class, recall of an absent class) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from sklearn import metrics as sk

ECE_BINS = 15
"""Equal-width bins of the top probability in :func:`ece`."""


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Share of rows whose predicted class is the true one."""
    if not len(labels):
        return float("nan")
    return float(sk.accuracy_score(labels, probabilities.argmax(1)))


def balanced_accuracy(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean recall of the classes that occur in ``labels``."""
    return float(defined_mean(recall_per_class(labels, probabilities)))


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Area under the ROC curve.

    Two classes: class 1 is the positive one. More classes: mean of each class against the rest (macro);
    NaN as soon as one class is absent, because the mean of the others would be another quantity.
    """
    each = auc_per_class(labels, probabilities)
    return float(each[1]) if len(each) == 2 else float(each.mean())


def f1(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Macro F1: mean over classes, with two classes also (not the F1 of class 1 alone).

    A class that neither occurs nor is predicted is left out of the mean.
    """
    if not len(labels):
        return float("nan")
    predicted = probabilities.argmax(1)
    return float(sk.f1_score(labels, predicted, average="macro", zero_division=np.nan))


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Multi-class Brier score: mean squared distance to the one-hot label, 0 (best) to 2.

    With two classes it is twice the Brier score of "the event is class 1".

    Source: Brier 1950.
    """
    return float(defined_mean(_squared_distance(labels, probabilities)))


def ece(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error of the top probability, in 15 equal-width bins on [0, 1].

    Source: Naeini et al. 2015; Guo et al. 2017, eq. 3. Biased upwards on small cohorts.
    """
    if not len(labels):
        return float("nan")
    gap = calibration_gaps(labels, probabilities)
    return float(np.abs(gap.sum(0)).sum() / len(labels))


def recall_per_class(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Recall of each class ``[K]``; NaN for a class that does not occur."""
    return _per_class(sk.recall_score, labels, probabilities)


def precision_per_class(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Precision of each class ``[K]``; NaN for a class that is never predicted."""
    return _per_class(sk.precision_score, labels, probabilities)


def auc_per_class(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """AUC of each class against the rest ``[K]``; NaN where one of the two sides is empty."""
    num_classes = probabilities.shape[1]
    found = np.full(num_classes, np.nan)
    for k in range(num_classes):
        positive = labels == k
        if positive.any() and not positive.all():
            found[k] = sk.roc_auc_score(positive, probabilities[:, k])
    return found


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Counts ``[K, K]``: row = true class, column = predicted class."""
    names = range(probabilities.shape[1])
    if not len(labels):
        return np.zeros((len(names), len(names)), dtype=np.int64)
    return sk.confusion_matrix(labels, probabilities.argmax(1), labels=list(names))


def calibration_gaps(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """``[n, 15]``: top probability minus correctness of each row, in the column of its bin."""
    top = probabilities.max(1)
    edges = np.linspace(0.0, 1.0, ECE_BINS + 1)[1:-1]
    gaps = np.zeros((len(labels), ECE_BINS))
    gaps[np.arange(len(labels)), np.digitize(top, edges, right=True)] = top - (
        probabilities.argmax(1) == labels
    )
    return gaps


def defined_mean(values: np.ndarray, axis: int | None = None) -> np.ndarray | float:
    """Mean of the values that are not NaN; NaN where there is none (without NumPy's warning)."""
    here = ~np.isnan(values)
    count = here.sum(axis)
    with np.errstate(invalid="ignore"):
        mean = np.where(here, values, 0.0).sum(axis) / np.where(count, count, np.nan)
    return float(mean) if np.ndim(mean) == 0 else mean


def _squared_distance(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return np.square(probabilities - np.eye(probabilities.shape[1])[labels]).sum(1)


def _per_class(score: Callable[..., np.ndarray], labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    names = list(range(probabilities.shape[1]))
    if not len(labels):
        return np.full(len(names), np.nan)
    return score(labels, probabilities.argmax(1), labels=names, average=None, zero_division=np.nan)


Metric = Callable[[np.ndarray, np.ndarray], float]

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "accuracy": accuracy,
        "balanced_accuracy": balanced_accuracy,
        "auc": auc,
        "f1": f1,
        "brier": brier,
        "ece": ece,
    }
)
CLASS_METRICS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {"recall": recall_per_class, "precision": precision_per_class, "auc": auc_per_class}
)
LOWER_IS_BETTER = frozenset({"brier", "ece"})
