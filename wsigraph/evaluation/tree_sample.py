"""Answers at every level as arrays: each level by itself, and whole lines of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.prediction import TreePrediction, tree_prediction
from wsigraph.data.label_tree.probabilities import consistent_answers
from wsigraph.data.label_tree.tree import UNKNOWN
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.sample import SCORED_SPLITS, Rows, Sample, sample_of


@dataclass(frozen=True)
class TreeSample:
    """All that metrics over a tree and their intervals need.

    Args:
        tree: The tree.
        levels: For each level, the rows whose class at this level is known; None where there is none, or the
            level has a single class.
        lines: One row per slide whose coarsest class is known: ``Rows.labels`` is the true line ``[n, L]``,
            -1 where unknown, and ``Rows.probabilities`` the answered line ``[n, L]`` of class numbers.
        contradicting: Rows whose levels, each taken by itself, answer classes that are not of one line.
    """

    tree: LabelTree
    levels: tuple[Sample | None, ...]
    lines: Sample
    contradicting: int


def tree_sample(rows: Iterable[TreePrediction], tree: LabelTree, *, rule: str = "sum") -> TreeSample:
    """Arrays of the rows that the model never saw and that have a label at some level.

    Args:
        rows: Answers, of splits that are scored and others.
        tree: The tree.
        rule: How one line is chosen from the levels, see ``label_tree.probabilities.consistent_answers``.

    Raises: RunError: if nothing can be scored, a slide stands twice in one repeat, or a row does not fit the
        tree.
    """
    scored = [row for row in rows if row.place.split in SCORED_SPLITS and row.labels[0] != UNKNOWN]
    for row in scored:
        _check(row, tree)
    levels = []
    for at in range(tree.num_levels):
        known = [row.levels[at] for row in scored if row.labels[at] != UNKNOWN]
        levels.append(sample_of(known) if known and len(tree.classes[at]) > 1 else None)
    contradicting = sum(_best(row) != tree.line(-1, row.levels[-1].pred) for row in scored)
    return TreeSample(tree, tuple(levels), _lines(scored, tree, rule), contradicting)


def tree_patients(rows: Iterable[TreePrediction]) -> tuple[TreePrediction, ...]:
    """Average each patient's slides at every level: one row per patient and repeat, unseen rows apart.

    Where slides of a patient carry different classes at a level, the patient is unknown there and at finer
    levels: two benign subtypes make a benign patient of unknown subtype. The fold is kept where one model
    spoke for all slides, else -1.
    """
    groups: dict[tuple[str, int, bool], list[TreePrediction]] = {}
    lines: dict[str, set[tuple[int, ...]]] = {}
    for row in rows:
        place = row.place
        groups.setdefault((place.patient_id, place.repeat, place.split in SCORED_SPLITS), []).append(row)
        lines.setdefault(place.patient_id, set()).add(row.labels)
    return tuple(_patient(group, _shared(lines[patient])) for (patient, _, _), group in groups.items())


def _patient(group: Sequence[TreePrediction], labels: Sequence[int]) -> TreePrediction:
    first, folds = group[0].place, {row.place.fold for row in group}
    fold = folds.pop() if len(folds) == 1 else -1
    means = [
        np.mean([p.probabilities for p in level], axis=0)
        for level in zip(*(r.levels for r in group), strict=True)
    ]
    return tree_prediction(
        replace(first, slide_id=first.patient_id, fold=fold), probabilities=means, labels=labels
    )


def _shared(lines: Iterable[tuple[int, ...]]) -> list[int]:
    """The line that all lines share, unknown from where they part; what is unknown does not contradict."""
    labels: list[int] = []
    for each in zip(*lines, strict=True):
        found = set(each) - {UNKNOWN}
        parted = UNKNOWN in labels or len(found) != 1
        labels.append(UNKNOWN if parted else found.pop())
    return labels


def _lines(scored: Sequence[TreePrediction], tree: LabelTree, rule: str) -> Sample:
    # sample_of refuses what cannot be scored and numbers the patients; labels are filled in after
    plain = sample_of([replace(row.levels[-1], label=0) for row in scored])
    blocks = []
    for rows, repeat in zip(plain.repeats, sorted({row.place.repeat for row in scored}), strict=True):
        block = sorted((r for r in scored if r.place.repeat == repeat), key=lambda r: r.place.slide_id)
        each = [np.array([row.levels[at].probabilities for row in block]) for at in range(tree.num_levels)]
        truth = np.array([row.labels for row in block])
        answer = consistent_answers(each, tree, rule=rule)
        blocks.append(Rows(rows.slides, truth, answer, rows.patients))
    return Sample(tuple(blocks), plain.patients, plain.num_classes)


def _best(row: TreePrediction) -> tuple[int, ...]:
    return tuple(level.pred for level in row.levels)


def _check(row: TreePrediction, tree: LabelTree) -> None:
    where = f"Prediction '{row.place.slide_id}'"
    sizes = [len(names) for names in tree.classes]
    found = [len(level.probabilities) for level in row.levels]
    if found != sizes:
        raise RunError(
            expected(where, f"{sizes} probabilities at the levels {list(tree.levels)}", f"{found}")
        )
    deepest = max(at for at, label in enumerate(row.labels) if label != UNKNOWN)
    if row.labels[deepest] >= sizes[deepest] or tree.line(deepest, row.labels[deepest]) != row.labels:
        raise RunError(expected(where, "labels of one line of the tree", f"{list(row.labels)}"))
