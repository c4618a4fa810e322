"""From the predictions of all folds to the files a person opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.evaluation.estimates import estimates_of_patients
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.task_summary import summarise_task
from wsigraph.evaluation.tree_rows import patients_of_tree
from wsigraph.io.answers import Rows, write_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.curves import write_curves
from wsigraph.io.log_file import read_log, write_log
from wsigraph.io.metrics_file import write_metrics
from wsigraph.io.report.run_report import RunReport, write_report
from wsigraph.io.report.sections import Picture
from wsigraph.pipelines.draw_answers import draw_answers
from wsigraph.training.catalog import catalog
from wsigraph.training.recipe import Recipe


def finish_run(out: Path, predictions: Rows) -> dict[str, Any]:
    """Write predictions, metrics, log, curves, report and, of classes, confusion matrix of a finished run.

    Args:
        out: The run folder, with ``run.json`` and its folds.
        predictions: Rows of all folds.

    Returns: What ``metrics.json`` holds; empty where no slide was held out for testing. Label-free
        pretraining has log and curves, and nothing else.
    """
    record = read_json(out / "run.json")
    recipe = Recipe.from_dict(record["recipe"])
    if not recipe.classifies:
        _write_logs(out, record["recipe"]["name"])
        return {}
    task, classes = recipe.make_task(), recipe.classes
    write_predictions(out / "predictions.csv", predictions, task, classes)
    _write_logs(out, recipe.name)
    tested: list[Any] = [row for row in predictions if row.split == "test"]
    if not tested:
        return {}
    write_predictions(out / "patients.csv", _patients(tested, task), task, classes)
    metrics = summarise_task(predictions, task, classes)
    write_metrics(out / "metrics.json", metrics)
    _write_report(out, record, metrics, draw_answers(out, tested, metrics, recipe=recipe))
    return metrics


def _patients(tested: list[Any], task: Task) -> Rows:
    """One row per patient and repeat."""
    if isinstance(task, Hierarchy):
        return patients_of_tree(tested, task)
    return to_patients(tested).predictions if task.one_class else estimates_of_patients(tested)[0]


def _write_report(
    out: Path, record: dict[str, Any], metrics: dict[str, Any], drawn: Sequence[Picture]
) -> None:
    name = record["recipe"]["name"]
    known = catalog()
    title = f"{name}: {known[name].title}" if name in known else name  # a recipe of the user's own
    pictures = (*drawn, Picture(out / "curves.png", "Training curves, one line per fold."))
    report = RunReport(
        title,
        metrics,
        recipe=record["recipe"],
        versions=record["versions"],
        pictures=pictures,
        warnings=record["warnings"],
        joined=record.get("join", {}),
    )
    write_report(out / "report.html", report)


def _write_logs(out: Path, name: str) -> None:
    rows: list[dict[str, float]] = []
    for log in sorted((*out.glob("fold_*/log.csv"), *out.glob("repeat_*/fold_*/log.csv")), key=_place):
        repeat, fold = _place(log)
        rows += [{"repeat": repeat, "fold": fold, **row} for row in read_log(log)]
    write_log(out / "log.csv", rows)
    write_curves(out / "curves.png", {name: rows})


def _place(log: Path) -> tuple[int, int]:
    above = log.parent.parent.name
    repeat = int(above.removeprefix("repeat_")) if above.startswith("repeat_") else 0
    return repeat, int(log.parent.name.removeprefix("fold_"))
