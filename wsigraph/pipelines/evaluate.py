"""Metrics of a finished run, or of a run on another cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.task_summary import summarise_task
from wsigraph.io.answers import read_predictions, write_predictions
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.predict import predict_files
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.recipe import Recipe


def evaluate_run(
    run: str | Path,
    *,
    cohort: Cohort | None = None,
    images: Sequence[str | Path] = (),
    reporter: Reporter = Silent(),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Recompute a run's metrics from its predictions, or predict and score an external cohort.

    Args:
        run: The run folder.
        cohort: An external cohort; its answers go to ``<run>/external/``.
        images: Its slides or images, or folders of them, for a run that was fine-tuned on pixels.
        reporter: Hears of the progress.

    Returns: What ``metrics.json`` holds, and the reason by slide for slides that failed.
    Raises: RunError: if the run is unfinished, or the cohort has classes the model does not know.
    """
    run = Path(run)
    record = _record(run)
    recipe = Recipe.from_dict(record["recipe"])
    if not recipe.classifies:
        raise RunError(
            expected(f"Run '{run}'", "a classifier", "a pretrained encoder, which predicts nothing")
        )
    task, classes = recipe.make_task(), recipe.classes
    if cohort is None:
        rows = read_predictions(run / "predictions.csv", task, classes)
        return summarise_task(rows, task, classes), {}
    cohort = _of_task(run, cohort, task, classes)
    overlap = sorted(set(cohort.patients) & {row["patient_id"] for row in record["data"]["slides"].values()})
    if overlap:
        reporter.say(
            f"warning: {len(overlap)} patients of this cohort (first '{overlap[0]}') are in the run's own "
            "data; their slides are answered out of fold where the run tested them"
        )
    seen = sorted(set(cohort.patients) & set(record.get("start", {}).get("seen", {}).values()))
    if seen:
        reporter.say(
            f"warning: {len(seen)} patients of this cohort (first '{seen[0]}') were in the data of the run "
            "that this one started from"
        )
    files = [slide.path for slide in cohort.slides]
    _, answered, failed = predict_files(run, files, images=images, reporter=reporter)
    known = {
        slide.slide_id: (slide, target) for slide, target in zip(cohort.slides, cohort.targets, strict=True)
    }
    scored = [row.known_as(known[row.slide_id][0].patient_id, known[row.slide_id][1]) for row in answered]
    metrics = summarise_task(scored, task, classes)
    write_predictions(run / "external" / "predictions.csv", scored, task, classes)
    write_json(run / "external" / "metrics.json", metrics)
    return metrics, {**cohort.left_out, **failed}


def read_task(run: str | Path) -> tuple[Task, tuple[str, ...]]:
    """What a run was asked, and the names of its classes, labels or values: how to read a cohort for it.

    Raises: RunError: if there is no run.
    """
    record = _record(Path(run))
    recipe = Recipe.from_dict(record["recipe"])
    return recipe.make_task(), recipe.classes


def _record(run: Path) -> dict[str, Any]:
    if not (run / "run.json").is_file():
        raise RunError(
            expected(f"Run '{run}'", "a file run.json", "none", todo="Give a folder of `wsigraph train`.")
        )
    return read_json(run / "run.json")


def _of_task(run: Path, cohort: Cohort, task: Task, classes: tuple[str, ...]) -> Cohort:
    """The cohort with the run's names, refused where it was read for something else."""
    if cohort.task.name != task.name:
        raise RunError(
            expected(f"Run '{run}'", f"a cohort read for task '{task.name}'", f"'{cohort.task.name}'")
        )
    if task.label_tree != cohort.task.label_tree:
        raise RunError(expected(f"Run '{run}'", "a cohort read over its label tree", "another"))
    if set(cohort.classes) - set(classes):
        raise RunError(expected(f"Run '{run}'", f"labels among {list(classes)}", f"{list(cohort.classes)}"))
    if not task.one_class and cohort.classes != classes:  # its rows are in the order of its own names
        todo = f"Read it so: Cohort.from_manifest(..., classes={list(classes)})."
        raise RunError(
            expected(f"Run '{run}'", f"names {list(classes)}", f"{list(cohort.classes)}", todo=todo)
        )
    return replace(cohort, classes=classes)
