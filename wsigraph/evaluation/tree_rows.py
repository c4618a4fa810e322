"""Answers over a label tree as a run holds them, and as metrics over trees read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.prediction import TreePrediction, tree_prediction
from wsigraph.data.label_tree.probabilities import consistent_answers
from wsigraph.data.label_tree.tree import UNKNOWN
from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.tree_sample import tree_patients


def tree_rows(rows: Iterable[Estimate], task: Hierarchy) -> list[TreePrediction]:
    """One distribution and one label per level for each row.

    Raises: RunError: if a row has another number of values or labels than the tree has classes and levels.
    """
    return [tree_row(row, task) for row in rows]


def tree_row(row: Estimate, task: Hierarchy) -> TreePrediction:
    """One row; labels nobody gave are -1."""
    places, levels = task.places, task.label_tree.num_levels
    if len(row.values) != places[0].stop or len(row.target) not in (0, levels):
        what = f"{places[0].stop} probabilities and {levels} labels"
        got = f"{len(row.values)} and {len(row.target)}"
        raise RunError(expected(f"Estimate '{row.slide_id}'", what, got))
    labels = [int(label) if label >= 0 else UNKNOWN for label in row.target] or [UNKNOWN] * levels
    place = Prediction(row.slide_id, row.patient_id, (1.0,), -1, row.repeat, row.fold, row.split)
    return tree_prediction(place, probabilities=[row.values[at] for at in places], labels=labels)


def estimate_row(row: TreePrediction) -> Estimate:
    """The same answer as a run holds it: values of the finest level first."""
    place = row.place
    values = [p for level in reversed(row.levels) for p in level.probabilities]
    labels = tuple(map(float, row.labels)) if row.labels[0] != UNKNOWN else ()
    return Estimate(
        place.slide_id, place.patient_id, tuple(values), labels, place.repeat, place.fold, place.split
    )


def patients_of_tree(rows: Iterable[Estimate], task: Hierarchy) -> list[Estimate]:
    """Each patient's slides averaged at every level, labelled as far as they agree."""
    return [estimate_row(row) for row in tree_patients(tree_rows(rows, task))]


def answered_lines(rows: Sequence[Estimate], task: Hierarchy, *, rule: str = "sum") -> np.ndarray:
    """The class answered at each level, by one line of the tree per row.

    Args:
        rows: Answers.
        task: Their task.
        rule: How lines are chosen, see ``label_tree.probabilities.consistent_answers``.

    Shape: ``[n, L]`` int64, coarse to fine.
    Raises: RunError: if a row does not fit the tree.
    """
    told, sizes = tree_rows(rows, task), [len(names) for names in task.label_tree.classes]
    each = [
        np.array([row.levels[at].probabilities for row in told]).reshape(len(told), size)
        for at, size in enumerate(sizes)
    ]
    return consistent_answers(each, task.label_tree, rule=rule)
