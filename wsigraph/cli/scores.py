"""Metrics on the screen, the same for every verb that has some."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wsigraph.cli.screen import emit, emit_table, interval

ORDER = (
    *("hierarchical_f1", "severity", "severity_of_mistakes"),
    *("quadratic_kappa", "class_distance", "auc", "accuracy", "balanced_accuracy", "f1", "brier", "ece"),
    *("average_precision", "r2", "mae", "rmse", "pearson", "spearman", "concordance"),
)

OF_A_LEVEL = ("auc", "accuracy", "f1")
"""Metrics that are shown of each level of a label tree above the finest."""

AT_THRESHOLD = ("sensitivity", "specificity", "average_precision")
"""What is shown of decisions; the report has all."""
MOST_DECISIONS = 2
LEVELS = ("slide", "patient")


def emit_scores(metrics: Mapping[str, Any], *, title: str, run: Path | None = None) -> None:
    """A table of metrics with 95 % intervals, at slide and at patient level; of a label tree also some of
    each level above the finest."""
    levels = [level for level in LEVELS if metrics.get(level)]
    names = [name for name in ORDER if any(name in metrics[level] for level in levels)]
    rows = [
        [name.replace("_", " "), *(interval(metrics[level].get(name)) for level in levels)] for name in names
    ]
    for coarser in reversed(metrics.get("tree", {}).get("levels", [])[:-1]):
        found = [metrics["levels"][level].get(coarser, {}) for level in levels]
        rows += [[f"{coarser}: {name}", *(interval(each.get(name)) for each in found)] for name in OF_A_LEVEL]
    emit_table([title, *(f"per {level}" for level in levels)], rows)
    _emit_decisions(metrics.get("decisions", {}))
    emit("95 % intervals by resampling patients. For research only, not for diagnosis.")
    if run is not None:
        emit(f"run: {run}")


def _emit_decisions(decisions: Mapping[str, Mapping[str, Any]]) -> None:
    """What deciding at thresholds frozen on validation gives; of more classes than two the report says it."""
    if len(decisions) > MOST_DECISIONS:
        emit("sensitivity and specificity of each class at thresholds frozen on validation: in the report")
        return
    rows = [
        [f"{name}: {key.replace('_', ' ')}", *(interval((one[level] or {}).get(key)) for level in LEVELS)]
        for name, one in decisions.items()
        for key in AT_THRESHOLD
    ]
    if rows:
        emit_table(["threshold of validation", *(f"per {level}" for level in LEVELS)], rows)
