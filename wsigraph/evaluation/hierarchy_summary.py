"""Everything ``metrics.json`` says of a run over a label tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.prediction import TreePrediction
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.evaluation.sample import scored
from wsigraph.evaluation.summary import summarise
from wsigraph.evaluation.tree_rows import tree_rows
from wsigraph.evaluation.tree_summary import summarise_tree


def summarise_hierarchy(
    rows: Sequence[Estimate], task: Hierarchy, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Metrics of the finest classes as for any classes, then of each level, and of whole lines of the tree.

    ``slide`` and ``patient`` hold the metrics of the finest level on slides whose finest class is known, and
    those of lines (severity, hierarchical precision, recall and F1) on all slides, as far as they are
    known. ``levels`` holds the metrics of every level by its own probabilities. ``confusion`` is of the
    finest classes of the answered lines, ``confusions`` of those of every level.

    Args:
        rows: Rows of a run.
        task: What was asked.
        resamples: Resamples of the patients.
        seed: Of the resampling.

    Returns: As ``summarise`` does, in plain types, with ``"task"``, ``"tree"``, ``"levels"`` and
        ``"confusions"``.
    Raises: RunError: if nothing can be scored, or rows do not fit the tree.
    """
    tree, told = task.label_tree, tree_rows(rows, task)
    lines = summarise_tree(told, tree, resamples=resamples, seed=seed)
    finest = _finest(told, tree.names(), resamples=resamples, seed=seed)
    return {
        "task": task.name,
        "classes": list(tree.names()),
        "tree": tree.to_dict(),
        "slide": {**finest.get("slide", {}), **lines["slide"]["tree"]},
        "patient": {**finest.get("patient", {}), **lines["patient"].get("tree", {})},
        "per_class": finest.get("per_class", {}),
        "levels": {kind: lines[kind].get("levels", {}) for kind in ("slide", "patient")},
        "confusion": lines["confusion"][tree.levels[-1]],
        "confusions": lines["confusion"],
        "counts": _counts(told, lines["counts"]),
        "intervals": {"partly_defined": {}, **finest.get("intervals", {}), **lines["intervals"]},
    }


def _finest(
    rows: Sequence[TreePrediction], classes: Sequence[str], *, resamples: int, seed: int
) -> dict[str, Any]:
    """What is said of the finest level as of any classes; nothing where no slide is known so finely."""
    finest = [row.levels[-1] for row in rows]
    return summarise(finest, classes, resamples=resamples, seed=seed) if scored(finest) else {}


def _counts(rows: Sequence[TreePrediction], of_lines: dict[str, Any]) -> dict[str, Any]:
    known = scored([row.levels[0] for row in rows])  # of some level
    return {
        "slides": len({row.slide_id for row in known}),
        "patients": of_lines["patients"],
        "repeats": of_lines["repeats"],
        "folds": len({row.fold for row in known if row.fold >= 0}),
        "predictions": len(known),
        "external": sum(row.split == "external" for row in known),
        "contradicting_levels": of_lines["contradicting"],
        "known": of_lines["slides"],
    }
