"""Everything a report says of answers over a label tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.prediction import TreePrediction
from wsigraph.evaluation.intervals import Interval, patient_intervals
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.resampled import RESAMPLED
from wsigraph.evaluation.tree_confusion import confusion_of_lines
from wsigraph.evaluation.tree_metrics import TREE_METRICS, on_rows
from wsigraph.evaluation.tree_sample import TreeSample, tree_patients, tree_sample


def summarise_tree(
    rows: Sequence[TreePrediction],
    tree: LabelTree,
    *,
    rule: str = "sum",
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Metrics per level and over the tree, of slides and of patients, with 95 % intervals over patients.

    Per level each level's own probabilities are scored, on the slides whose class at this level is known.
    Over the tree one line is chosen per slide (``rule``), and confusion matrices are of these lines.

    Args:
        rows: Answers at every level.
        tree: The tree.
        rule: How lines are chosen, see ``label_tree.probabilities.consistent_answers``.
        resamples: Resamples of the patients.
        seed: Of the resampling.

    Returns: ``{"levels", "slide", "patient", "confusion", "counts", "intervals"}`` in plain types, ``slide``
        and ``patient`` each ``{"levels": {level: {metric: ...}}, "tree": {metric: ...}}``; undefined numbers
        are NaN, and levels of a single class or without a known label are left out.
    Raises: RunError: if nothing can be scored or a row does not fit the tree.
    """
    slide = tree_sample(rows, tree, rule=rule)
    found = {"slide": _scores(slide, resamples=resamples, seed=seed), "patient": {}}
    patients = tree_patients(rows)
    if any(row.labels[0] >= 0 for row in patients):
        found["patient"] = _scores(tree_sample(patients, tree, rule=rule), resamples=resamples, seed=seed)
    return {
        "levels": {level: list(names) for level, names in zip(tree.levels, tree.classes, strict=True)},
        **found,
        "confusion": {
            level: confusion_of_lines(slide.lines, tree, level=level).tolist() for level in tree.levels
        },
        "counts": _counts(slide),
        "intervals": {
            "method": "95 % percentile bootstrap over patients",
            "resamples": resamples,
            "seed": seed,
            "rule": rule,
        },
    }


def tree_intervals(sample: TreeSample, *, resamples: int = 1000, seed: int = 0) -> dict[str, Interval]:
    """Severity and hierarchical precision, recall and F1, each with its interval.

    Args:
        sample: Answers as arrays.
        resamples: Resamples of the patients.
        seed: Of the resampling.
    """
    return {
        name: patient_intervals(sample.lines, on_rows(metric), metric, resamples=resamples, seed=seed)[0]
        for name, metric in TREE_METRICS.items()
    }


def level_intervals(
    sample: TreeSample, *, resamples: int = 1000, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """The metrics of flat classification at each level that has known labels and two or more classes.

    Args:
        sample: Answers as arrays.
        resamples: Resamples of the patients.
        seed: Of the resampling.
    """
    return {
        level: {
            name: patient_intervals(rows, METRICS[name], RESAMPLED[name], resamples=resamples, seed=seed)[0]
            for name in METRICS
        }
        for level, rows in zip(sample.tree.levels, sample.levels, strict=True)
        if rows is not None
    }


def _scores(sample: TreeSample, *, resamples: int, seed: int) -> dict[str, Any]:
    levels = level_intervals(sample, resamples=resamples, seed=seed)
    whole = tree_intervals(sample, resamples=resamples, seed=seed)
    return {
        "levels": {at: {name: found.to_dict() for name, found in row.items()} for at, row in levels.items()},
        "tree": {name: found.to_dict() for name, found in whole.items()},
    }


def _counts(sample: TreeSample) -> dict[str, Any]:
    blocks = sample.lines.repeats
    known = {
        level: len(
            {s for rows in blocks for s, t in zip(rows.slides, rows.labels[:, at], strict=True) if t >= 0}
        )
        for at, level in enumerate(sample.tree.levels)
    }
    return {
        "slides": known,
        "patients": len(sample.lines.patients),
        "repeats": len(blocks),
        "predictions": sum(len(rows.slides) for rows in blocks),
        "contradicting": sample.contradicting,
    }
