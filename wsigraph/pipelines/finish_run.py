"""From the predictions of all folds to the files a person opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsigraph.evaluation.decisions import freeze_all
from wsigraph.io.answers import Rows, write_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.curves import write_curves
from wsigraph.io.log_file import read_log, write_log
from wsigraph.io.report.sections import Picture
from wsigraph.io.thresholds_file import write_thresholds
from wsigraph.pipelines.report_answers import Told, report_answers
from wsigraph.training.recipe import Recipe


def finish_run(out: Path, predictions: Rows) -> dict[str, Any]:
    """Write predictions, thresholds, metrics, log, curves, pictures and report of a finished run.

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
    _write_logs(out, recipe.name)
    task, classes = recipe.make_task(), recipe.classes
    if not any(row.split == "test" for row in predictions):
        write_predictions(out / "predictions.csv", predictions, task, classes)
        return {}
    frozen = freeze_all(predictions, task, classes)
    if frozen:
        write_thresholds(out / "thresholds.json", frozen)
    told = Told(
        record["versions"],
        record["warnings"],
        joined=record.get("join", {}),
        pictures=[Picture(out / "curves.png", "Training curves, one line per fold.")],
    )
    return report_answers(out, predictions, recipe=recipe, frozen=frozen, told=told)


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
