"""The report of a run: what came out, how sure it is, and from what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsigraph.evaluation.tables import TABLES
from wsigraph.io.join import STATES, Join
from wsigraph.io.report.decisions import decisions_table
from wsigraph.io.report.page import write_index
from wsigraph.io.report.sections import (
    Details,
    Notice,
    Number,
    Numbers,
    Picture,
    Pictures,
    Section,
    Table,
    Text,
)
from wsigraph.io.report.shown import in_one_cell, shown

_NAMES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1 (macro)",
    "brier": "Brier score",
    "ece": "Calibration error",
    "recall": "Recall",
    "precision": "Precision",
    "quadratic_kappa": "Quadratic kappa",
    "class_distance": "Classes off, on average",
    "average_precision": "Average precision",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R squared",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "concordance": "Concordance index",
    "severity": "Severity of answers (levels off)",
    "severity_of_mistakes": "Severity of mistakes alone",
    "hierarchical_precision": "Hierarchical precision",
    "hierarchical_recall": "Hierarchical recall",
    "hierarchical_f1": "Hierarchical F1",
}
_LOWER = {
    "severity": "severity",
    "class_distance": "the number of classes off",
    "brier": "the Brier score",
    "ece": "the calibration error",
    "mae": "the mean absolute error",
    "rmse": "the root mean squared error",
}
_KINDS = {"multilabel": "label", "regression": "value"}


@dataclass(frozen=True)
class RunReport:
    """All a report shows.

    Args:
        title: Name of the run.
        metrics: What ``summarise`` found.
        recipe: The recipe as plain values.
        versions: Version by package.
        pictures: Captioned pictures (confusion matrix, training curves, heatmaps).
        warnings: Sentences a reader must see: synthetic data, slide taken as patient, leaks allowed.
        badges: Short labels beside the title.
        joined: How manifest and feature files met, as ``Join.to_dict`` has it.
    """

    title: str
    metrics: Mapping[str, Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    warnings: Sequence[str] = ()
    badges: Sequence[str] = ()
    joined: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def write_report(path: str | Path, report: RunReport) -> None:
    """Write a run's report as one HTML file.

    Raises: RunError: if a picture is missing.
    """
    write_index(
        path, report.title, list(_sections(report)), subtitle=_cohort(report.metrics), badges=report.badges
    )


def _sections(report: RunReport) -> list[Section]:
    metrics = report.metrics
    sections: list[Section] = [Notice(list(report.warnings))] if report.warnings else []
    names = TABLES[metrics.get("task", "classification")].headline
    headline = [Number(_NAMES[name], *shown(metrics["slide"][name])) for name in names]
    sections += [Numbers(_headline(metrics), headline), _levels(metrics)]
    sections += [_tree_levels(metrics)] if "tree" in metrics else []
    if metrics["per_class"]:
        sections.append(_per_class(metrics))
    if any(one["slide"] for one in metrics.get("decisions", {}).values()):
        sections.append(decisions_table(metrics["decisions"]))
    if report.pictures:
        sections.append(Pictures("Pictures", list(report.pictures), wide=True))
    sections.append(Text("How these numbers were made", _method(metrics)))
    if report.joined:
        sections.append(_joined(Join(report.joined)))
    if report.recipe:
        sections.append(
            Details("Recipe", json.dumps(report.recipe, indent=2, ensure_ascii=False, default=str))
        )
    if report.versions:
        lines = [f"{name} {version}" for name, version in report.versions.items()]
        sections.append(Details("Versions", "\n".join(lines)))
    return sections


def _levels(metrics: Mapping[str, Any]) -> Table:
    levels = [level for level in ("slide", "patient") if metrics.get(level)]
    columns = ["Metric", *(part for level in levels for part in (f"per {level}", "95 % interval"))]
    rows = [
        [_NAMES[name], *(text for level in levels for text in shown(metrics[level].get(name, {})))]
        for name in metrics["slide"]
    ]
    lower = [said for name, said in _LOWER.items() if name in metrics["slide"]]
    caption = f"Lower is better for {_listed(lower)}." if lower else ""
    return Table("Metrics", columns, rows, caption)


def _tree_levels(metrics: Mapping[str, Any]) -> Table:
    """Each level of a label tree by its own probabilities."""
    found = metrics["levels"]["slide"]
    names = [name for name in ("accuracy", "balanced_accuracy", "f1", "auc") if found]
    rows = [
        [level, str(metrics["counts"]["known"][level])] + [in_one_cell(found[level][name]) for name in names]
        for level in metrics["tree"]["levels"]
        if level in found
    ]
    caption = (
        "Slide level, on the slides whose class at the level is known, by the level's own probabilities. "
        "Severity and hierarchical scores are of one line of the tree per slide."
    )
    return Table("Levels of the label tree", ["Level", "Slides", *(_NAMES[n] for n in names)], rows, caption)


def _per_class(metrics: Mapping[str, Any]) -> Table:
    kind = _KINDS.get(metrics.get("task", ""), "class")
    names = [name for name in next(iter(metrics["per_class"].values())) if name != "support"]
    rows = []
    for name, row in metrics["per_class"].items():
        cells = [in_one_cell(row[m]) for m in names]
        rows.append([name, str(row["support"]), *cells])
    against = {"auc": "AUC against the rest"} if kind == "class" else {}
    columns = [kind.capitalize(), "Slides", *(against.get(name, _NAMES[name]) for name in names)]
    return Table(f"Per {kind}", columns, rows, "Slide level, with 95 % intervals.")


def _joined(found: Join) -> Table:
    rows = [[STATES[state], str(count), found.listed(state)] for state, count in found.counts.items()]
    caption = "All of them stand in join.csv of the run folder."
    return Table("Manifest and feature files", ["", "Slides", "Names"], rows, caption)


def _listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _headline(metrics: Mapping[str, Any]) -> str:
    counts = metrics.get("counts", {})
    seen = "on an external cohort" if counts.get("external") else "out of fold"
    return f"Per slide, {seen}, with 95 % intervals"


def _method(metrics: Mapping[str, Any]) -> list[str]:
    counts, intervals = metrics.get("counts", {}), metrics.get("intervals", {})
    said = ["Every slide was scored by models that were not trained on it."]
    if counts.get("external"):
        said.append(f"{counts['external']} of {counts['predictions']} predictions are of an external cohort.")
    if counts.get("repeats", 1) > 1:
        said.append(f"Values are means over {counts['repeats']} repeats; the confusion matrix is their sum.")
    if "concordance" in metrics["slide"]:
        said.append("The concordance index compares slides that one and the same network answered.")
    if intervals:
        said.append(
            f"Intervals: {intervals['method']}, {intervals['resamples']} resamples, seed {intervals['seed']}."
        )
        said += _undefined(intervals["partly_defined"])
    if counts.get("contradicting_patients"):
        said.append(
            f"Left out of the patient level, because their slides carry different labels: "
            f"{counts['contradicting_patients']} patients."
        )
    if counts.get("unlabelled"):
        said.append(f"Left out, because they have no label: {counts['unlabelled']} predictions.")
    return said


def _undefined(defined: Mapping[str, int]) -> list[str]:
    """Which metrics some or all resamples leave undefined."""
    never = [name for name, count in defined.items() if not count]
    partly = {name: count for name, count in defined.items() if count}
    said = [f"Without an interval: {', '.join(never)}."] if never else []
    if partly:
        least = min(partly, key=partly.__getitem__)
        said.append(
            "Some resamples lack a class; the intervals of these metrics use the resamples that define them: "
            f"{', '.join(partly)} (fewest: {partly[least]}, {least})."
        )
    return said


def _cohort(metrics: Mapping[str, Any]) -> str:
    counts = metrics.get("counts", {})
    words = {"slides": "slide", "patients": "patient", "folds": "fold", "repeats": "repeat"}
    return ", ".join(
        f"{counts[key]} {word}{'s' * (counts[key] != 1)}" for key, word in words.items() if counts.get(key)
    )
