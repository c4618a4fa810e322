"""One slide's answer at every level of a label tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.data.label_tree.probabilities import all_levels
from wsigraph.data.label_tree.tree import UNKNOWN, LabelTree
from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected


@dataclass(frozen=True)
class TreePrediction:
    """A slide (or a patient) and its answers, one ``Prediction`` per level, coarse to fine.

    The levels may contradict each other: each is what a model said of that level. Labels fill upwards, so a
    slide labelled at a coarse level only is unknown (-1) at the finer ones.

    Args:
        levels: The answers. They tell of the same slide, patient, repeat, fold and split.

    Raises: RunError: if there is no level, the levels tell of different slides, or a label stands below an
        unknown one.
    """

    levels: tuple[Prediction, ...]

    def __post_init__(self) -> None:
        where = "TreePrediction" + (f" '{self.levels[0].slide_id}'" if self.levels else "")
        if not self.levels:
            raise RunError(expected(where, "an answer per level", "none"))
        places = {(p.slide_id, p.patient_id, p.repeat, p.fold, p.split) for p in self.levels}
        if len(places) > 1:
            raise RunError(
                expected(where, "levels of one slide, patient, repeat, fold and split", f"{sorted(places)}")
            )
        known = [label != UNKNOWN for label in self.labels]
        if known != sorted(known, reverse=True):
            raise RunError(
                expected(
                    where,
                    "no label below an unknown one",
                    f"{list(self.labels)}",
                    todo="Fill labels upwards with label_tree.labels.complete.",
                )
            )

    @property
    def labels(self) -> tuple[int, ...]:
        """True class at each level, -1 where unknown."""
        return tuple(level.label for level in self.levels)

    @property
    def place(self) -> Prediction:
        """The coarsest answer: slide, patient, repeat, fold and split are those of all levels."""
        return self.levels[0]


def tree_prediction(
    place: Prediction, *, probabilities: Sequence[Sequence[float]], labels: Sequence[int]
) -> TreePrediction:
    """An answer from its numbers.

    Args:
        place: Any row that names slide, patient, repeat, fold and split.
        probabilities: Distribution of each level, coarse to fine.
        labels: True class at each level, -1 where unknown.
    """
    levels = (
        Prediction(
            slide_id=place.slide_id,
            patient_id=place.patient_id,
            probabilities=tuple(float(p) for p in row),
            label=int(label),
            repeat=place.repeat,
            fold=place.fold,
            split=place.split,
        )
        for row, label in zip(probabilities, labels, strict=True)
    )
    return TreePrediction(tuple(levels))


def from_finest(row: Prediction, tree: LabelTree, *, labels: Sequence[int] | None = None) -> TreePrediction:
    """The answer of a model that knows the finest classes only, summed upwards.

    Args:
        row: Distribution over the finest classes.
        tree: The tree.
        labels: True class at each level, for a slide whose finest class is unknown; else the line of the
            row's own label.
    """
    each = all_levels(np.array([row.probabilities]), tree)
    unknown = (UNKNOWN,) * tree.num_levels
    known = tree.line(-1, row.label) if row.label != UNKNOWN else unknown
    return tree_prediction(
        row, probabilities=[one[0] for one in each], labels=known if labels is None else labels
    )
