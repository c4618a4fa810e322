"""Before anything trains: every slide read once, what cannot be answered refused, folds drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wsigraph.errors import CohortError, RunError, WsigraphError, expected
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.features import read_features
from wsigraph.pipelines.benchmark.arms import Arm, arms_of, check_places
from wsigraph.pipelines.benchmark.node_fit import check_rows
from wsigraph.pipelines.benchmark.plan import BenchmarkPlan, Contest
from wsigraph.pipelines.cross_validate import draw_splits, given_splits
from wsigraph.pipelines.leaks import Traits, check_sides
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.splits import Split


@dataclass(frozen=True)
class Ready:
    """A contest that can begin.

    Args:
        contest: What was asked.
        cohort: Its slides less those that cannot be read.
        arms: Its methods.
        splits: Folds by seed.
        digest: Hash of slides, patients, targets, features and all that graphs are built from.
    """

    contest: Contest
    cohort: Cohort
    arms: tuple[Arm, ...]
    splits: Mapping[int, tuple[Split, ...]]
    digest: str


@dataclass(frozen=True)
class _Seen:
    """What one look at a feature file finds: ``lattice`` is a hash of what a graph reads beyond coords."""

    traits: Traits
    lattice: str
    located: bool
    rows: int


def make_ready(contest: Contest, plan: BenchmarkPlan, reporter: Reporter) -> Ready:
    """Look a contest over.

    A slide that cannot be read is left out for every method alike, and named.

    Raises: CohortError: with one class, fewer patients than folds, or no slide left. RunError: if a method
        reads coordinates and slides have none. LeakError: if a patient or nearly the same slide would stand
        on two sides. RecipeError: if a recipe cannot be built.
    """
    _check_cohort(contest)
    arms = arms_of(contest, plan.controls)
    seen, failed = _look(contest, reporter)
    for slide, reason in failed.items():
        reporter.say(f"{contest.name}: slide '{slide}' left out: {reason}")
    cohort = contest.cohort.without(failed)
    if not cohort.slides:
        first = next(iter(failed.values()))
        what = f"none of {len(failed)} ({first})"
        raise CohortError(expected(f"Benchmark of '{contest.name}'", "at least one usable slide", what))
    for name, labels in (contest.nodes or {}).items():
        if name in seen:
            check_rows(name, labels, seen[name].rows)
    check_places(contest, arms, without=[name for name, one in seen.items() if not one.located])
    traits = {name: one.traits for name, one in seen.items()}
    splits: dict[int, tuple[Split, ...]] = {}
    overlap = contest.splits.overlap if contest.splits else ()
    for seed in plan.seeds:
        teller = Silent() if splits else reporter  # notes are the same for every seed
        splits[seed] = _splits(contest, cohort, arms[0], seed=seed, reporter=teller)
        check_sides(splits[seed], cohort, traits, overlap=overlap)
    return Ready(contest, cohort, tuple(arms), splits, _digest(contest, cohort, seen))


def _check_cohort(contest: Contest) -> None:
    """Two classes to tell apart, and a patient for each fold."""
    where, cohort = f"Benchmark of '{contest.name}'", contest.cohort
    if contest.nodes is not None:
        found = {target for labels in contest.nodes.values() for target in labels.targets[labels.known]}
        if len(found) < 2:
            raise CohortError(expected(where, "at least 2 classes of patches", f"{len(found)}"))
    elif cohort.task.one_class and len(set(cohort.labels)) < 2:
        got = f"{len(cohort)} slides all labelled '{''.join(set(cohort.labels))}'"
        raise CohortError(expected(where, "at least 2 classes to tell apart", got))
    patients = len(set(cohort.patients))
    if contest.splits is None and patients < contest.folds:
        what = f"at least {contest.folds} patients for {contest.folds} folds"
        raise CohortError(expected(where, what, f"{patients}", todo="Use fewer folds."))


def _look(contest: Contest, reporter: Reporter) -> tuple[dict[str, _Seen], dict[str, str]]:
    label = f"Looking over {contest.name}"
    width = {recipe.in_channels for recipe in contest.recipes.values()}
    if len(width) > 1:
        where = f"Benchmark of '{contest.name}'"
        raise RunError(expected(where, "recipes for one width of features", f"{sorted(width)}"))
    seen: dict[str, _Seen] = {}
    failed: dict[str, str] = {}
    reporter.start(label, len(contest.cohort))
    for slide in contest.cohort.slides:
        try:
            seen[slide.slide_id] = _see(slide, channels=min(width))
        except (WsigraphError, OSError) as error:
            failed[slide.slide_id] = str(error)
        reporter.advance(label)
    reporter.finish(label)
    return seen, failed


def _see(slide: Slide, *, channels: int) -> _Seen:
    features = read_features(slide.path, slide_id=slide.slide_id)
    if features.x.shape[1] != channels:
        where = f"Slide '{slide.slide_id}'"
        raise CohortError(expected(where, f"{channels} channels", f"{features.x.shape[1]}"))
    x = np.asarray(features.x, dtype=np.float64)
    digest = hashlib.sha256(features.x.tobytes() + features.coords.tobytes()).hexdigest()
    sizes = (features.patch_size_level0, features.step_level0, features.mpp)
    lattice = hashlib.sha256(repr([float(size) for size in sizes]).encode() + features.joins.tobytes())
    return _Seen(Traits(digest, x.mean(0), x.std(0)), lattice.hexdigest(), features.has_coords, len(x))


def _splits(
    contest: Contest, cohort: Cohort, arm: Arm, *, seed: int, reporter: Reporter
) -> tuple[Split, ...]:
    try:
        if contest.splits is not None:
            return tuple(given_splits(contest.splits, cohort, seed=seed, reporter=reporter)[1])
        return tuple(draw_splits(arm.recipe, cohort, folds=contest.folds, repeats=1, seed=seed))
    except CohortError as error:
        raise type(error)(f"Benchmark of '{contest.name}': {error}") from error


def _digest(contest: Contest, cohort: Cohort, seen: Mapping[str, _Seen]) -> str:
    rows = [
        (
            s.slide_id,
            s.patient_id,
            s.label,
            s.target,
            seen[s.slide_id].traits.digest,
            seen[s.slide_id].lattice,
        )
        for s in cohort.slides
    ]
    told = (cohort.classes, cohort.task.settings(), rows)
    whole = hashlib.sha256(repr(told).encode())
    for slide_id, labels in sorted((contest.nodes or {}).items()):
        whole.update(repr((slide_id, labels.names, labels.targets.tolist())).encode())
    return whole.hexdigest()
