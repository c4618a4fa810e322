"""Train one model on given training, validation and test slides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import compress
from pathlib import Path

from wsigraph.io.answers import write_predictions
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.cross_validate import RunResult
from wsigraph.pipelines.finish_run import finish_run
from wsigraph.pipelines.leaks import check_sides, traits_of_facts
from wsigraph.pipelines.one_fit import Task, answer_all, fit_one, having_seen
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.run_record import make_record, open_run, tell_start
from wsigraph.pipelines.start import open_start
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.official_split import overlap_told, patients_on_several_sides
from wsigraph.training.recipe import Recipe
from wsigraph.training.splits import Split, split_off
from wsigraph.training.strata import patient_strata


def fit(
    recipe: Recipe,
    *,
    train: Cohort,
    val: Cohort | None = None,
    test: Cohort | None = None,
    out: str | Path,
    seed: int = 0,
    start_from: str | Path | None = None,
    overlap: Collection[str] = (),
    trainer: TrainerOptions = TrainerOptions(),
    reporter: Reporter = Silent(),
) -> RunResult:
    """Train one model; ``out/fold_0`` holds it, validation and test rows are its predictions.

    Args:
        recipe: What to train.
        train: Training slides.
        val: Validation slides, which choose the epoch; 15 % of the training patients where not given.
        test: Slides that are answered once, at the end, as an official split has them; metrics and report
            are theirs, and there are none without.
        out: The run folder; a killed run called again goes on where it was.
        seed: Seed of weights, masks, dropout and order.
        start_from: A finished run whose weights it starts from, where names and shapes agree.
        overlap: Patients that stand on several sides and are to stay there, as in an official split that
            leaks: said, counted in the record and in the report. Any other is refused.
        trainer: Device, workers, precision.
        reporter: Hears of the progress.

    A recipe without heads is pretrained: labels are not read, and there are no predictions.

    Raises: LeakError: if a patient, a feature file or nearly the same slide stands on two sides. RunError: if
        ``start_from`` is unfinished, or on other features.
    """
    out = Path(out)
    everything, sides = _together(train, val, test, overlap)
    recipe, whole, store = prepare(recipe, everything, reporter, cache_gb=trainer.cache_gb)
    usable = {slide.slide_id for slide in whole.slides}
    sides = list(compress(sides, (slide.slide_id in usable for slide in everything.slides)))
    split = _split(recipe, whole, sides, seed=seed)
    check_sides([split], whole, traits_of_facts(store.facts), overlap=overlap)
    seen = having_seen(recipe, whole, split.train)
    plan = {"kind": "fit", "folds": 1, "repeats": 1, "seed": seed}
    start = None if start_from is None else open_start(start_from, recipe)
    record = open_run(out, make_record(recipe, whole, store, plan=plan, splits=[split], start=start))
    tell_start(record, reporter)
    label = f"Training {recipe.name}"
    reporter.start(label, recipe.optimiser.epochs)
    begin = None if start is None else start.folder()
    task = Task(seen, whole, store, out / "fold_0", seed, trainer, begin)
    model = fit_one(
        task,
        train_on=split.train,
        validate_on=split.val,
        listen=lambda _: reporter.advance(label),
    )
    reporter.finish(label)
    rows = answer_all(task, model, split.test, split="test") + answer_all(task, model, split.val, split="val")
    if recipe.classifies:
        write_predictions(out / "fold_0" / "predictions.csv", rows, task.recipe.make_task(), recipe.classes)
    return RunResult(out, finish_run(out, rows), whole.left_out)


def _together(
    train: Cohort, val: Cohort | None, test: Cohort | None, overlap: Collection[str]
) -> tuple[Cohort, list[str]]:
    """All slides as one cohort, which tells of the patients that stay on several sides; a side per slide."""
    named = {"train": train, "val": val, "test": test}
    slides = tuple(slide for cohort in named.values() if cohort for slide in cohort.slides)
    sides = [side for side, cohort in named.items() if cohort for _ in cohort.slides]
    patients = [slide.patient_id for slide in slides]
    shared = patients_on_several_sides(sides, patients)
    kept = {patient: counts for patient, counts in shared.items() if patient in overlap}
    note = [f"{overlap_told(kept)}; kept as asked."] if kept else []
    return replace(train, slides=slides, notes=(*train.notes, *note)), sides


def _split(recipe: Recipe, cohort: Cohort, sides: list[str], *, seed: int) -> Split:
    """Sides as they are given; 15 % of the training patients validate where no slide does."""
    train, val, test = (
        [i for i, side in enumerate(sides) if side == one] for one in ("train", "val", "test")
    )
    if "val" not in sides:
        strata = _strata(recipe, cohort.subset(train))
        kept, held = split_off(strata, [cohort.patients[i] for i in train], share=0.15, seed=seed)
        train, val = [train[i] for i in kept], [train[i] for i in held]
    return Split(0, 0, tuple(train), tuple(val), tuple(test))


def _strata(recipe: Recipe, cohort: Cohort) -> list[str]:
    """What the validation slides are drawn by."""
    if not recipe.classifies:
        return [""] * len(cohort)
    if recipe.make_task().one_class:
        return cohort.labels
    return patient_strata(cohort.strata, cohort.patients, folds=1)
