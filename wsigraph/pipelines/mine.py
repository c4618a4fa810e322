"""Hard negative mining on a cohort: the whole loop, fold by fold, answered out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wsigraph.errors import RecipeError, RunError, expected
from wsigraph.evaluation.outlines import Outlines
from wsigraph.io.atomic import write_json
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.cohort_graphs import prepare
from wsigraph.pipelines.cross_validate import RunResult, draw_splits, fold_folder, gather
from wsigraph.pipelines.finish_run import finish_run
from wsigraph.pipelines.leaks import check_sides, traits_of_facts
from wsigraph.pipelines.mine_disk import check_disk
from wsigraph.pipelines.mine_fold import run_fold, summary
from wsigraph.pipelines.mine_job import MineJob, scoring_term
from wsigraph.pipelines.mine_sources import FeatureRows, RawPatches, pixels_of
from wsigraph.pipelines.mine_truth import check_truth, finish_truth
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.run_record import make_record, open_run
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.settings import MineSettings, mine_settings
from wsigraph.training.official_split import official_split
from wsigraph.training.recipe import Recipe
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split
from wsigraph.training.strata import patient_strata

TASKS = ("classification", "ordinal", "hierarchy")


def mine(
    recipe: Recipe,
    cohort: Cohort,
    *,
    out: str | Path,
    settings: MineSettings | None = None,
    folds: int = 5,
    fold: int | None = None,
    seed: int = 0,
    images: str | Path | Sequence[str | Path] | RawPatches | None = None,
    truth: Mapping[str, Outlines] | None = None,
    trainer: TrainerOptions = TrainerOptions(),
    reporter: Reporter = Silent(),
) -> RunResult:
    """Fine-tune an encoder by mined patches, and answer each slide by a loop that never saw it.

    Each fold is a loop of its own: classify slides, mine patches by their scores, fine-tune the encoder by
    contrast of the positives with the hard negatives, encode again, classify again. Validation slides enter
    neither mining nor contrast nor statistics; test slides are read when a round has been chosen. A killed
    run called again goes on where it was.

    Args:
        recipe: The slide classifier; it needs a term ``max_instance``.
        cohort: Slides with features, which say where patches lie and make the first pseudo-labels.
        out: The run folder: what ``cross_validate`` writes, and of each fold all rounds.
        settings: How the encoder is fine-tuned; what belongs to the recipe's name where not given.
        folds: Folds by patient, where the manifest brings no split (column ``split``).
        fold: Run this fold only.
        seed: Seed of everything random.
        images: Files or folders of images, found by slide id, for a network that reads pixels; or any other
            source of raw patches.
        truth: Outlines of what is positive, by slide, to score patches and draw maps; training sees none.
        trainer: Device, workers, precision.
        reporter: Hears of the progress.

    Raises: RecipeError: if recipe, settings or task cannot be mined. CohortError: if a class has too few
        patients, or an image is missing. LeakError: if a patient, a feature file or nearly the same slide
        stands on two sides. RunError: if ``out`` holds another run, lacks room, or a finished stage was
        changed.
    """
    out, settings = Path(out), settings or mine_settings(recipe.name)
    scoring_term(recipe)
    raw = _raw(settings, recipe, cohort, images)
    recipe, cohort, store = prepare(recipe, cohort, reporter)
    splits = _splits(recipe, cohort, folds=folds, seed=seed)
    check_sides(splits, cohort, traits_of_facts(store.facts))
    if truth is not None:
        check_truth(truth, cohort, [i for split in splits for i in split.test])
    job = MineJob(recipe, cohort, store, raw, settings, splits[0], out, seed, trainer, reporter)
    chosen = [s for s in splits if fold is None or s.fold == fold]
    if not chosen:
        raise RunError(expected("Mining", f"a fold from 0 to {len(splits) - 1}", f"{fold}"))
    reads = settings.make_network(recipe.in_channels).reads
    reporter.say(f"mining with '{settings.network.name}' on {reads}: {check_disk(job, len(chosen), out)}")
    plan = {"kind": "mining", "folds": len(splits), "repeats": 1, "seed": seed}
    plan |= {"reads": reads, "settings": settings.model_dump(mode="json")}
    open_run(out, make_record(recipe, cohort, store, plan=plan, splits=splits))
    jobs = [_of_fold(job, split) for split in chosen]
    for one in jobs:
        run_fold(one, repeat=one.split.repeat, fold=one.split.fold)
    if fold is not None:
        return RunResult(out, {}, cohort.left_out)
    rounds = range(settings.rounds + 1)
    found = {f"fold_{one.split.fold}": summary(one.folder, rounds) for one in jobs}
    write_json(out / "mining.json", {"settings": plan["settings"], "reads": reads, "folds": found})
    metrics = finish_run(out, gather(out, splits, recipe))
    if truth is not None:
        finish_truth(jobs, truth, out=out)
    return RunResult(out, metrics, cohort.left_out)


def _of_fold(job: MineJob, split: Split) -> MineJob:
    seed = mix(job.seed, split.repeat, split.fold)
    return replace(job, split=split, folder=fold_folder(job.folder, split.repeat, split.fold), seed=seed)


def _raw(
    settings: MineSettings,
    recipe: Recipe,
    cohort: Cohort,
    images: str | Path | Sequence[str | Path] | RawPatches | None,
) -> RawPatches:
    """Where raw patches come from, as the network reads them."""
    where, name = "Mining", settings.network.name
    reads = settings.make_network(recipe.in_channels).reads
    if reads == "features" and images is not None:
        todo = "Leave them out, or fine-tune a network that reads pixels: --mine network=resnet18."
        raise RecipeError(expected(where, f"no images, for '{name}' reads features", "some", todo=todo))
    if reads == "features":
        return FeatureRows()
    if images is None:
        todo = "Give --images DIR, or fine-tune on frozen features: --mine network=adapter."
        raise RecipeError(expected(where, f"images, for '{name}' reads pixels", "none", todo=todo))
    if isinstance(images, str | Path | Sequence):
        return pixels_of(cohort, images)
    return images


def _splits(recipe: Recipe, cohort: Cohort, *, folds: int, seed: int) -> list[Split]:
    """The manifest's own split, or folds."""
    task = recipe.make_task()
    if task.name not in TASKS:
        raise RecipeError(expected("Mining", f"a task of {list(TASKS)}", f"'{task.name}'"))
    sides = [slide.split for slide in cohort.slides]
    if not any(sides):
        return draw_splits(recipe, cohort, folds=folds, repeats=1, seed=seed)
    one_class = task.one_class
    strata = cohort.labels if one_class else patient_strata(cohort.strata, cohort.patients, folds=1)
    return [official_split(sides, strata, cohort.patients, seed=mix(seed, "val"))]
