"""Train one model on given training and validation slides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wsigraph.io.answers import write_predictions
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.cross_validate import RunResult
from wsigraph.pipelines.finish_run import finish_run
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one, having_seen
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.run_record import make_record, open_run, tell_start
from wsigraph.pipelines.start import open_start
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import Recipe
from wsigraph.training.splits import Split, check_leaks, split_off
from wsigraph.training.strata import patient_strata


def fit(
    recipe: Recipe,
    *,
    train: Cohort,
    val: Cohort | None = None,
    out: str | Path,
    seed: int = 0,
    start_from: str | Path | None = None,
    trainer: TrainerOptions = TrainerOptions(),
    reporter: Reporter = Silent(),
) -> RunResult:
    """Train one model; ``out/fold_0`` holds it, validation rows are its predictions.

    Args:
        recipe: What to train.
        train: Training slides.
        val: Validation slides, which choose the epoch; 15 % of the training patients where not given.
        out: The run folder; a killed run called again goes on where it was.
        seed: Seed of weights, masks, dropout and order.
        start_from: A finished run whose weights it starts from, where names and shapes agree.
        trainer: Device, workers, precision.
        reporter: Hears of the progress.

    A recipe without heads is pretrained: labels are not read, and there are no predictions.

    Raises: LeakError: if a patient or a feature file stands on both sides. RunError: if ``start_from`` is
        unfinished, or on other features.
    """
    out = Path(out)
    both = train if val is None else replace(train, slides=train.slides + val.slides)
    recipe, both, store = prepare(recipe, both, reporter)
    if val is None:
        train_on, validate_on = split_off(_strata(recipe, both), both.patients, share=0.15, seed=seed)
    else:
        held = {slide.slide_id for slide in val.slides}
        validate_on = [i for i, slide in enumerate(both.slides) if slide.slide_id in held]
        train_on = [i for i in range(len(both)) if i not in set(validate_on)]
    digests = [store.facts[slide.slide_id].digest for slide in both.slides]
    split = Split(0, 0, tuple(train_on), tuple(validate_on), ())
    check_leaks(split, both.patients, digests)
    seen = having_seen(recipe, both, train_on)
    plan = {"kind": "fit", "folds": 1, "repeats": 1, "seed": seed}
    start = None if start_from is None else open_start(start_from, recipe)
    record = open_run(out, make_record(recipe, both, store, plan=plan, splits=[split], start=start))
    tell_start(record, reporter)
    label = f"Training {recipe.name}"
    reporter.start(label, recipe.optimiser.epochs)
    begin = None if start is None else start.folder()
    task = Task(seen, both, store, out / "fold_0", seed, trainer, begin)
    model = fit_one(
        task, train_on=train_on, validate_on=validate_on, listen=lambda _: reporter.advance(label)
    )
    reporter.finish(label)
    rows = answer_all(task, model, validate_on, split="val")
    if recipe.classifies:
        write_predictions(out / "fold_0" / "predictions.csv", rows, task.recipe.make_task(), recipe.classes)
    return RunResult(out, finish_run(out, rows), both.left_out)


def _strata(recipe: Recipe, cohort: Cohort) -> list[str]:
    """What the validation slides are drawn by."""
    if not recipe.classifies:
        return [""] * len(cohort)
    if recipe.make_task().one_class:
        return cohort.labels
    return patient_strata(cohort.strata, cohort.patients, folds=1)
