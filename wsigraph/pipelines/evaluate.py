"""Metrics of a finished run, or of a run on another cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Task
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.decisions import freeze_all
from wsigraph.io.answers import read_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.join import write_join
from wsigraph.io.thresholds_file import read_thresholds
from wsigraph.pipelines.predict import predict_files
from wsigraph.pipelines.report_answers import Frozen, Told, report_answers, score
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.recipe import Recipe


def evaluate_run(
    run: str | Path,
    *,
    cohort: Cohort | None = None,
    images: Sequence[str | Path] = (),
    out: str | Path | None = None,
    reporter: Reporter = Silent(),
) -> tuple[dict[str, Any], dict[str, str]]:
    """Recompute a run's metrics from its predictions, or predict and score an external cohort.

    Decisions are made at the run's own thresholds, frozen on its validation answers: those of an external
    cohort choose nothing.

    Args:
        run: The run folder.
        cohort: An external cohort.
        images: Its slides or images, or folders of them, for a run that was fine-tuned on pixels.
        out: Where answers, metrics and report of the external cohort go; ``<run>/external`` if not given.
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
    frozen = _frozen(run, recipe)
    if cohort is None:
        return score(
            read_predictions(run / "predictions.csv", task, classes), task, classes, frozen=frozen
        ), {}
    cohort = _of_task(run, cohort, task, classes)
    warned = [*cohort.notes, *_overlap(record, cohort)]
    for sentence in warned:
        reporter.say(f"note: {sentence}")
    files = [slide.path for slide in cohort.slides]
    _, answered, failed = predict_files(run, files, images=images, reporter=reporter)
    known = {
        slide.slide_id: (slide, target) for slide, target in zip(cohort.slides, cohort.targets, strict=True)
    }
    scored = [row.known_as(known[row.slide_id][0].patient_id, known[row.slide_id][1]) for row in answered]
    folder = run / "external" if out is None else Path(out)
    joined = cohort.join.to_dict() if cohort.join else {}
    if cohort.join:
        write_join(folder / "join.csv", cohort.join)
    told = Told(record["versions"], warned, joined=joined, where=", on an external cohort")
    metrics = report_answers(folder, scored, recipe=recipe, frozen=frozen, told=told)
    return metrics, {**cohort.left_out, **failed}


def _frozen(run: Path, recipe: Recipe) -> Frozen:
    """The run's thresholds; of a run from before they were kept, chosen as they would have been."""
    if (run / "thresholds.json").is_file():
        return read_thresholds(run / "thresholds.json")
    task, classes, file = recipe.make_task(), recipe.classes, run / "predictions.csv"
    return freeze_all(read_predictions(file, task, classes) if file.is_file() else [], task, classes)


def _overlap(record: dict[str, Any], cohort: Cohort) -> list[str]:
    """Sentences on patients that the run, or the one that it started from, has seen."""
    own = {row["patient_id"] for row in record["data"]["slides"].values()}
    before = set(record.get("start", {}).get("seen", {}).values())
    told = []
    for seen, where in (
        (own, "are in the run's own data; their slides are answered out of fold where the run tested them"),
        (before, "were in the data of the run that this one started from"),
    ):
        both = sorted(set(cohort.patients) & seen)
        if both:
            told.append(f"{len(both)} patients of this cohort (first '{both[0]}') {where}.")
    return told


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
