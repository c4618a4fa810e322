"""From the predictions of all folds to the files a person opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wsigraph.data.prediction import Prediction
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.summary import summarise
from wsigraph.io.atomic import read_json
from wsigraph.io.confusion_png import write_confusion
from wsigraph.io.curves import write_curves
from wsigraph.io.log_file import read_log, write_log
from wsigraph.io.metrics_file import write_metrics
from wsigraph.io.predictions import write_predictions
from wsigraph.io.report.run_report import RunReport, write_report
from wsigraph.io.report.sections import Picture
from wsigraph.training.catalog import catalog


def finish_run(out: Path, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Write predictions, metrics, log, curves and confusion matrix of a finished run.

    Args:
        out: The run folder, with ``run.json`` and its folds.
        predictions: Rows of all folds.

    Returns: What ``metrics.json`` holds; empty where no slide was held out for testing. Label-free
        pretraining has log and curves, and nothing else.
    """
    record = read_json(out / "run.json")
    if not record["recipe"]["heads"]:
        _write_logs(out, record["recipe"]["name"])
        return {}
    classes = tuple(record["recipe"]["classes"])
    write_predictions(out / "predictions.csv", predictions, classes)
    _write_logs(out, record["recipe"]["name"])
    tested = [row for row in predictions if row.split == "test"]
    if not tested:
        return {}
    write_predictions(out / "patients.csv", to_patients(tested).predictions, classes)
    metrics = summarise(predictions, classes)
    write_metrics(out / "metrics.json", metrics)
    write_confusion(out / "confusion.png", metrics["confusion"], classes, title=record["recipe"]["name"])
    _write_report(out, record, metrics)
    return metrics


def _write_report(out: Path, record: dict[str, Any], metrics: dict[str, Any]) -> None:
    name = record["recipe"]["name"]
    known = catalog()
    title = f"{name}: {known[name].title}" if name in known else name  # a recipe of the user's own
    pictures = (
        Picture(out / "confusion.png", "Confusion matrix of the held-out slides, summed over repeats."),
        Picture(out / "curves.png", "Training curves, one line per fold."),
    )
    report = RunReport(
        title,
        metrics,
        recipe=record["recipe"],
        versions=record["versions"],
        pictures=pictures,
        warnings=record["warnings"],
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
