"""How wrong answers are in a label tree: mistake severity, and precision and recall over ancestors.

Everywhere: ``truth [n, L]`` and ``answers [n, L]`` are lines of class numbers, coarse to fine, -1 where
the truth is unknown or the answer stops; ``weights [R, n]`` say how often each row stands in each of R
resamples. What cannot be computed is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from wsigraph.data.label_tree.tree import UNKNOWN

Weighted = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def distances(truth: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Tree distance of each answer from the truth: the number of levels at which they differ.

    It is the entry of ``LabelTree.distance`` for the two finest classes. An answer that stops early is as far
    off as the level at which it stops.

    Returns: ``[n]`` float64, NaN where the finest class is unknown.
    """
    apart = (truth != answers).sum(1).astype(np.float64)
    return np.where(truth[:, -1] == UNKNOWN, np.nan, apart)


def severity(truth: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean tree distance over all rows whose finest class is known, right ones counting 0: ``[R]``, 0..L.

    Where every answer goes down to the finest level, it is the sum over levels of the share that is wrong.

    Source: Bertinetto et al. 2020 (average hierarchical distance of the best answer).
    """
    apart = distances(truth, answers)
    known = ~np.isnan(apart)
    return _divide(weights @ np.where(known, apart, 0.0), weights @ known)


def severity_of_mistakes(truth: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean tree distance over the mistakes alone: ``[R]``, 1 where all are between siblings, L at worst.

    A model may lower it by more harmless mistakes; read it beside the accuracy.

    Source: Bertinetto et al. 2020 (hierarchical distance of a mistake).
    """
    apart = distances(truth, answers)
    wrong = apart > 0
    return _divide(weights @ np.where(wrong, apart, 0.0), weights @ wrong)


def hierarchical_precision(truth: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""Share of the answered classes, ancestors among them and the root not, that are true: ``[R]``.

    .. math::  hP = \frac{\sum_i |\hat P_i \cap \hat T_i|}{\sum_i |\hat P_i|}

    Levels at which the truth is unknown do not count. Where every answer goes as deep as the truth,
    precision, recall and F1 are one number: they part where answers stop early.

    Source: Kiritchenko et al. 2006. Differs: rows known at coarse levels only count as far as they are known.
    """
    shared, answered, _ = _sets(truth, answers)
    return _divide(weights @ shared, weights @ answered)


def hierarchical_recall(truth: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""Share of the true classes, ancestors among them and the root not, that are answered: ``[R]``.

    .. math::  hR = \frac{\sum_i |\hat P_i \cap \hat T_i|}{\sum_i |\hat T_i|}

    Source: Kiritchenko et al. 2006. Differs: as :func:`hierarchical_precision`.
    """
    shared, _, true = _sets(truth, answers)
    return _divide(weights @ shared, weights @ true)


def hierarchical_f1(truth: np.ndarray, answers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Harmonic mean of hierarchical precision and recall: ``[R]``.

    Source: Kiritchenko et al. 2006, beta 1. Differs: as :func:`hierarchical_precision`.
    """
    shared, answered, true = _sets(truth, answers)
    return _divide(2 * (weights @ shared), weights @ (answered + true))


def on_rows(metric: Weighted) -> Callable[[np.ndarray, np.ndarray], float]:
    """The metric on plain rows, each standing once."""
    return lambda truth, answers: float(metric(truth, answers, np.ones((1, len(truth))))[0])


def _sets(truth: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size of each row's intersection, of its answer and of its truth, at known levels."""
    known = truth != UNKNOWN
    answered = known & (answers != UNKNOWN)
    return (known & (truth == answers)).sum(1), answered.sum(1), known.sum(1)


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return above / np.where(below > 0, below, np.nan)


TREE_METRICS: Mapping[str, Weighted] = MappingProxyType(
    {
        "severity": severity,
        "severity_of_mistakes": severity_of_mistakes,
        "hierarchical_precision": hierarchical_precision,
        "hierarchical_recall": hierarchical_recall,
        "hierarchical_f1": hierarchical_f1,
    }
)
TREE_LOWER_IS_BETTER = frozenset({"severity", "severity_of_mistakes"})
