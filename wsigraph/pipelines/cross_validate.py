"""Repeated, patient-grouped cross-validation; every fold resumes, every slide is answered out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsigraph.errors import RunError, expected
from wsigraph.io.answers import read_predictions, write_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.cohort import Cohort
from wsigraph.io.model_files import WEIGHTS
from wsigraph.io.splits import SplitSet, read_splits, splits_for
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.finish_run import finish_run
from wsigraph.pipelines.leaks import check_sides, traits_of_facts
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one, having_seen
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.run_record import first_difference, make_record, open_run, tell_start
from wsigraph.pipelines.start import Start, open_start
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split, check_seen, draw_folds, make_folds
from wsigraph.training.strata import patient_strata


@dataclass(frozen=True)
class RunResult:
    """A finished job.

    Args:
        path: Its run folder.
        metrics: What ``metrics.json`` holds; empty while folds are missing.
        failed: Reason by slide id, for slides that were left out.
    """

    path: Path
    metrics: dict[str, Any]
    failed: dict[str, str]


def cross_validate(
    recipe: Recipe,
    cohort: Cohort,
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    out: str | Path,
    fold: int | None = None,
    start_from: str | Path | None = None,
    trainer: TrainerOptions = TrainerOptions(),
    reporter: Reporter = Silent(),
    splits: str | Path | SplitSet | None = None,
) -> RunResult:
    """Train and test a recipe on every fold, and write the run folder.

    A recipe without heads is pretrained fold by fold, and predicts nothing; the labels draw the folds only.
    A killed run called again goes on where it was; finished folds are not trained again.

    Args:
        recipe: What to train.
        cohort: On which slides.
        folds: Folds per repeat, grouped by patient and stratified by label (or by the task's strata).
        repeats: How often the folds are drawn anew.
        seed: Seed of folds, weights, masks, dropout and order.
        out: The run folder.
        fold: Train this fold only (of every repeat); ``merge`` joins folds trained apart.
        start_from: A finished run whose weights every fold starts from, where names and shapes agree. A run
            of the same folds gives each fold the network that never saw its test slides; a run without folds
            may have seen them, which is then said and recorded.
        trainer: Device, workers, precision.
        reporter: Hears of the progress.
        splits: Splits to use in place of drawn ones, or their file or folder, as ``read_splits`` reads it.

    Raises: CohortError: if a class has too few patients, or ``splits`` are not of this cohort. LeakError: if
        a patient, a feature file or nearly the same slide would stand on two sides, or ``start_from`` learned
        from labels of test slides. RunError: if ``out`` holds another run, or ``start_from`` is unfinished,
        on other features or in other folds.
    """
    out = Path(out)
    recipe, cohort, store = prepare(recipe, cohort, reporter, cache_gb=trainer.cache_gb)
    given = None if splits is None else splits_of(splits)
    if given is None:
        chosen = draw_splits(recipe, cohort, folds=folds, repeats=repeats, seed=seed)
    else:
        cohort, chosen = given_splits(given, cohort, seed=seed, reporter=reporter)
        folds, repeats = given.folds, given.repeats
    check_sides(chosen, cohort, traits_of_facts(store.facts), overlap=given.overlap if given else ())
    for split in chosen:
        having_seen(recipe, cohort, split.train)  # refuses what cannot be learned before anything is written
    plan = {"kind": "cross_validation", "folds": folds, "repeats": repeats, "seed": seed}
    plan |= {} if given is None else {"splits": given.kind or "given"}
    start = None if start_from is None else open_start(start_from, recipe)
    record = open_run(out, make_record(recipe, cohort, store, plan=plan, splits=chosen, start=start))
    tell_start(record, reporter)
    mine = [s for s in chosen if fold is None or s.fold == fold]
    if not mine:
        raise RunError(expected("Cross-validation", f"a fold from 0 to {folds - 1}", f"{fold}"))
    _train_folds(Task(recipe, cohort, store, out, seed, trainer), mine, reporter, start=start)
    rows = gather(out, chosen, recipe) if fold is None and recipe.classifies else []
    metrics = {} if fold is not None else finish_run(out, rows)
    return RunResult(out, metrics, cohort.left_out)


def merge(runs: Sequence[str | Path], out: str | Path) -> RunResult:
    """Join folds of one run that were trained apart into the report of the whole run.

    Args:
        runs: Run folders of the same recipe, slides, folds and seed.
        out: Folder of the joined run; may be one of ``runs``.

    Raises: RunError: if the runs differ, or a fold is missing; the message names it.
    """
    from wsigraph.io.run_folder import copy_fold

    places, out = [Path(run) for run in runs], Path(out)
    records = [read_json(_record_file(run)) for run in places]
    for run, record in zip(places[1:], records[1:], strict=True):
        difference = first_difference(records[0], record)
        if difference:
            raise RunError(
                expected(f"Run '{run}'", f"the same run as '{places[0]}'", f"another: {difference}")
            )
    open_run(out, records[0])
    plan, recipe = records[0]["plan"], Recipe.from_dict(records[0]["recipe"])
    done = "predictions.csv" if recipe.classifies else WEIGHTS
    for repeat in range(plan["repeats"]):
        for fold in range(plan["folds"]):
            name = fold_folder(Path(), repeat, fold)
            sources = [run / name for run in places if (run / name / done).is_file()]
            if not sources:
                raise RunError(
                    expected(
                        f"Merge into '{out}'",
                        f"fold {fold} of repeat {repeat} in one of {len(places)} runs",
                        "none",
                        todo=f"Run it: wsigraph train ... --fold {fold}.",
                    )
                )
            if sources[0] != out / name:
                copy_fold(sources[0], out / name)
    splits = [Split(r, f, (), (), ()) for r in range(plan["repeats"]) for f in range(plan["folds"])]
    rows = gather(out, splits, recipe) if recipe.classifies else []
    metrics = finish_run(out, rows)
    return RunResult(out, metrics, records[0]["data"]["left_out"])


def fold_folder(out: Path, repeat: int, fold: int) -> Path:
    """Where a fold lies: ``fold_<i>``, under ``repeat_<r>`` from the second repeat on."""
    return (out if repeat == 0 else out / f"repeat_{repeat}") / f"fold_{fold}"


def gather(out: Path, splits: Sequence[Split], recipe: Recipe) -> list[Any]:
    """Predictions of all folds, in order of repeat and fold."""
    rows: list[Any] = []
    for split in splits:
        file = fold_folder(out, split.repeat, split.fold) / "predictions.csv"
        rows += read_predictions(file, recipe.make_task(), recipe.classes)
    return rows


def draw_splits(recipe: Recipe, cohort: Cohort, *, folds: int, repeats: int, seed: int) -> list[Split]:
    """Folds by patient and by class, or by the task's strata, of which none need stand on every side."""
    if recipe.make_task().one_class:
        return make_folds(cohort.labels, cohort.patients, folds=folds, repeats=repeats, seed=seed)
    strata = patient_strata(cohort.strata, cohort.patients, folds=folds)
    return draw_folds(strata, cohort.patients, folds=folds, repeats=repeats, seed=seed)


def splits_of(given: str | Path | SplitSet) -> SplitSet:
    """Splits themselves, or those of a file or folder."""
    return given if isinstance(given, SplitSet) else read_splits(given)


def given_splits(
    given: SplitSet, cohort: Cohort, *, seed: int, reporter: Reporter
) -> tuple[Cohort, list[Split]]:
    """The cohort with what is to be known of given splits, and the splits by places in it.

    Raises: CohortError, LeakError: as ``splits_for`` does, or if a fold lacks a class.
    """
    splits, notes = splits_for(given, cohort, seed=seed)
    for split in splits if cohort.task.one_class else ():
        check_seen(split, cohort.labels)
    for note in notes:
        reporter.say(f"note: {note}")
    return replace(cohort, notes=(*cohort.notes, *notes)), splits


def _train_folds(
    whole: Task, splits: Sequence[Split], reporter: Reporter, *, start: Start | None = None
) -> None:
    label = f"Training {whole.recipe.name}"
    epochs = whole.recipe.optimiser.epochs
    reporter.start(label, len(splits) * epochs)
    for split in splits:
        task, done = _of_fold(whole, split, start), 0

        def listen(row: dict[str, float]) -> None:
            nonlocal done
            done += 1
            reporter.advance(label)

        if not (task.folder / "predictions.csv").is_file():
            model = fit_one(task, train_on=split.train, validate_on=split.val, listen=listen)
            place = {"repeat": split.repeat, "fold": split.fold}
            rows = answer_all(task, model, split.test, split="test", **place)
            rows += answer_all(task, model, split.val, split="val", **place)
            if whole.recipe.classifies:
                write_predictions(
                    task.folder / "predictions.csv", rows, task.recipe.make_task(), whole.recipe.classes
                )
        reporter.advance(label, epochs - done)
    reporter.finish(label)


def _of_fold(whole: Task, split: Split, start: Start | None) -> Task:
    """One fold's network: its folder, seed and start, and what its training slides tell."""
    folder = fold_folder(whole.folder, split.repeat, split.fold)
    begin = None if start is None else start.folder(split.repeat, split.fold)
    seed = mix(whole.seed, split.repeat, split.fold)
    recipe = having_seen(whole.recipe, whole.cohort, split.train)
    return replace(whole, recipe=recipe, folder=folder, seed=seed, start=begin)


def _record_file(run: Path) -> Path:
    file = run / "run.json"
    if not file.is_file():
        raise RunError(
            expected(f"Run '{run}'", "a file run.json", "none", todo="Give folders of `wsigraph train`.")
        )
    return file
