"""Train one model on given training and validation slides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wsigraph.io.cohort import Cohort
from wsigraph.io.predictions import write_predictions
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.cross_validate import RunResult
from wsigraph.pipelines.finish_run import finish_run
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.run_record import make_record, open_run
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import Recipe
from wsigraph.training.splits import Split, check_leaks, split_off


def fit(
    recipe: Recipe,
    *,
    train: Cohort,
    val: Cohort | None = None,
    out: str | Path,
    seed: int = 0,
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
        trainer: Device, workers, precision.
        reporter: Hears of the progress.

    Raises: LeakError: if a patient or a feature file stands on both sides.
    """
    out = Path(out)
    both = train if val is None else replace(train, slides=train.slides + val.slides)
    recipe, both, store = prepare(recipe, both, reporter)
    if val is None:
        train_on, validate_on = split_off(both.labels, both.patients, share=0.15, seed=seed)
    else:
        held = {slide.slide_id for slide in val.slides}
        validate_on = [i for i, slide in enumerate(both.slides) if slide.slide_id in held]
        train_on = [i for i in range(len(both)) if i not in set(validate_on)]
    digests = [store.facts[slide.slide_id].digest for slide in both.slides]
    split = Split(0, 0, tuple(train_on), tuple(validate_on), ())
    check_leaks(split, both.patients, digests)
    plan = {"kind": "fit", "folds": 1, "repeats": 1, "seed": seed}
    open_run(out, make_record(recipe, both, store, plan=plan, splits=[split]))
    label = f"Training {recipe.name}"
    reporter.start(label, recipe.optimiser.epochs)
    task = Task(recipe, both, store, out / "fold_0", seed, trainer)
    model = fit_one(
        task, train_on=train_on, validate_on=validate_on, listen=lambda _: reporter.advance(label)
    )
    reporter.finish(label)
    rows = answer_all(task, model, validate_on, split="val")
    write_predictions(out / "fold_0" / "predictions.csv", rows, recipe.classes)
    return RunResult(out, finish_run(out, rows), both.left_out)
