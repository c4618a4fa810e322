"""From answers to what a person opens: tables, metrics, pictures, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.evaluation.decisions import summarise_decisions
from wsigraph.evaluation.estimates import estimates_of_patients
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.sample import SCORED_SPLITS
from wsigraph.evaluation.task_summary import summarise_task
from wsigraph.evaluation.thresholds import Cuts
from wsigraph.evaluation.tree_rows import patients_of_tree
from wsigraph.io.answers import Rows, write_predictions
from wsigraph.io.decision_curve_png import write_decision_curves
from wsigraph.io.metrics_file import write_metrics
from wsigraph.io.report.run_report import RunReport, write_report
from wsigraph.io.report.sections import Picture
from wsigraph.pipelines.draw_answers import draw_answers
from wsigraph.training.catalog import catalog
from wsigraph.training.recipe import Recipe

Frozen = Mapping[str, Mapping[str, Cuts]]
"""Thresholds by name of a class or label, and by level."""


@dataclass(frozen=True)
class Told:
    """What a report tells beside the answers.

    Args:
        versions: Version by package.
        warnings: Sentences that a reader must see.
        joined: How manifest and feature files met.
        where: What the slides are, where they are not the run's own: added to the title.
        pictures: Pictures that come last.
    """

    versions: Mapping[str, str]
    warnings: Sequence[str] = ()
    joined: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    where: str = ""
    pictures: Sequence[Picture] = ()


def score(rows: Rows, task: Task, classes: Sequence[str], *, frozen: Frozen) -> dict[str, Any]:
    """Metrics of answers, with decisions at frozen thresholds where the task has some."""
    decisions = summarise_decisions(rows, task, classes, frozen=frozen)
    return summarise_task(rows, task, classes) | ({"decisions": decisions} if decisions else {})


def report_answers(out: Path, rows: Rows, *, recipe: Recipe, frozen: Frozen, told: Told) -> dict[str, Any]:
    """Write predictions by slide and by patient, metrics, pictures and the report.

    Args:
        out: Where to.
        rows: Answers, of which some are of slides that no network had seen.
        recipe: What was trained.
        frozen: Thresholds.
        told: What the report tells beside.

    Returns: What ``metrics.json`` holds.
    """
    task, classes = recipe.make_task(), recipe.classes
    unseen: list[Any] = [row for row in rows if row.split in SCORED_SPLITS]
    write_predictions(out / "predictions.csv", rows, task, classes)
    write_predictions(out / "patients.csv", _patients(unseen, task), task, classes)
    metrics = score(rows, task, classes, frozen=frozen)
    write_metrics(out / "metrics.json", metrics)
    drawn = [*draw_answers(out, unseen, metrics, recipe=recipe), *_draw_decisions(out, metrics, recipe)]
    known = catalog()  # a recipe of the user's own is not in it
    title = f"{recipe.name}: {known[recipe.name].title}" if recipe.name in known else recipe.name
    report = RunReport(
        f"{title}{told.where}",
        metrics,
        recipe=recipe.to_dict(),
        versions=told.versions,
        pictures=(*drawn, *told.pictures),
        warnings=told.warnings,
        joined=told.joined,
    )
    write_report(out / "report.html", report)
    return metrics


def _patients(unseen: list[Any], task: Task) -> Rows:
    """One row per patient and repeat."""
    if isinstance(task, Hierarchy):
        return patients_of_tree(unseen, task)
    return to_patients(unseen).predictions if task.one_class else estimates_of_patients(unseen)[0]


def _draw_decisions(out: Path, metrics: Mapping[str, Any], recipe: Recipe) -> list[Picture]:
    curves = {name: one["curve"] for name, one in metrics.get("decisions", {}).items() if "curve" in one}
    if not curves:
        return []
    write_decision_curves(out / "decision_curve.png", curves, title=recipe.name)
    said = (
        "Decision curve, per slide: net benefit of deciding by the probabilities, with its 95 % interval, "
        "for every chance at which one would act. It supposes calibrated probabilities."
    )
    return [Picture(out / "decision_curve.png", said)]
