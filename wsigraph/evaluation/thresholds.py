"""Where a probability becomes a decision: thresholds chosen on validation answers, and then left alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.patients import to_patients

WITHOUT = 0.5
"""Threshold where validation answers give none: too few of them, or of one class alone."""
LEVELS = ("slide", "patient")


@dataclass(frozen=True)
class Cut:
    """One threshold: a probability of at least ``value`` is a yes.

    Args:
        value: The threshold, NaN where none could be chosen.
        youden: Sensitivity + specificity - 1 there, on the answers that chose it.
        rows: How many answers chose it.
        positives: How many of them are positive.
    """

    value: float
    youden: float
    rows: int
    positives: int


@dataclass(frozen=True)
class Cuts:
    """The thresholds of a run at one level.

    Args:
        pooled: On the validation answers of all folds together: for slides that all networks answer as one.
        folds: By repeat and fold, on its own validation answers alone: for the slides that the fold tested.
    """

    pooled: Cut
    folds: Mapping[tuple[int, int], Cut]

    def of(self, repeat: int, fold: int) -> float:
        """The threshold for an answer of one fold, or of all of them (``fold`` -1); 1/2 where there is none.

        A fold without a threshold does not take the pooled one: other folds validate on its test slides.
        """
        empty = Cut(math.nan, math.nan, 0, 0)
        cut = self.pooled if fold < 0 else self.folds.get((repeat, fold), empty)
        return WITHOUT if math.isnan(cut.value) else cut.value

    def to_dict(self) -> dict[str, Any]:
        """As ``thresholds.json`` holds it."""
        folds = [{"repeat": r, "fold": f, **vars(cut)} for (r, f), cut in self.folds.items()]
        return {"pooled": vars(self.pooled), "folds": folds}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Cuts:
        """What ``to_dict`` wrote; null is NaN again."""
        folds = {(one["repeat"], one["fold"]): _cut(one) for one in stored["folds"]}
        return cls(_cut(stored["pooled"]), folds)


def youden(positive: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    r"""The threshold that tells positive from negative rows best.

    .. math::  t^* = \arg\max_t\; \mathrm{sensitivity}(t) + \mathrm{specificity}(t) - 1

    Args:
        positive: ``[n]`` truth values.
        score: ``[n]``; a row is called positive where it is at least t.

    Returns: Threshold and index there; NaN where rows are of one kind, or of one score.
    Source: Youden 1950. Differs: thresholds lie halfway between neighbouring scores, and of several that are
    best the one nearest to 1/2 is taken, so that few answers do not choose an extreme one.
    """
    levels = np.unique(score)
    if positive.all() or not positive.any() or len(levels) < 2:
        return math.nan, math.nan
    cuts = (levels[:-1] + levels[1:]) / 2
    yes, no = np.sort(score[positive]), np.sort(score[~positive])
    index = 1.0 - np.searchsorted(yes, cuts) / len(yes) + np.searchsorted(no, cuts) / len(no) - 1.0
    best = np.flatnonzero(index >= index.max() - 1e-12)
    chosen = best[np.abs(cuts[best] - WITHOUT).argmin()]
    return float(cuts[chosen]), float(index[chosen])


def freeze(rows: Sequence[Prediction]) -> dict[str, Cuts]:
    """Choose thresholds by the validation answers of a run; its other rows are not looked at.

    Args:
        rows: Answers with two probabilities, of which the second is that of the positive class.

    Returns: Thresholds by level (slide, patient); patients are averaged within a fold.
    """
    own: dict[tuple[int, int], list[Prediction]] = {}
    for row in rows:
        if row.split == "val" and row.known:
            own.setdefault((row.repeat, row.fold), []).append(row)
    by_patient = {place: list(to_patients(some).predictions) for place, some in own.items()}
    return {level: _cuts(groups) for level, groups in zip(LEVELS, (own, by_patient), strict=True)}


def _cuts(groups: Mapping[tuple[int, int], Sequence[Prediction]]) -> Cuts:
    together = [row for rows in groups.values() for row in rows]
    return Cuts(_choose(together), {place: _choose(groups[place]) for place in sorted(groups)})


def _choose(rows: Sequence[Prediction]) -> Cut:
    positive = np.array([row.label == 1 for row in rows], dtype=bool)
    value, index = youden(positive, np.array([row.probabilities[1] for row in rows]))
    return Cut(value, index, len(rows), int(positive.sum()))


def _cut(stored: Mapping[str, Any]) -> Cut:
    value, index = (math.nan if stored[key] is None else stored[key] for key in ("value", "youden"))
    return Cut(value, index, stored["rows"], stored["positives"])
