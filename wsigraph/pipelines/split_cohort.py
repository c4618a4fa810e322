"""Draw the splits of a cohort by kind, look for leaks, and write them for us and for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from wsigraph.errors import CohortError, LeakError, RecipeError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.splits import SplitSet, read_splits, splits_for, write_splits
from wsigraph.io.splits.named import name_splits
from wsigraph.pipelines.leaks import CHECKED, check_sides, traits_of_files
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.nested_splits import nested_folds
from wsigraph.training.official_split import (
    official_split,
    overlap_of,
    overlap_told,
    patients_on_several_sides,
)
from wsigraph.training.seeds import mix
from wsigraph.training.site_splits import leave_site_out
from wsigraph.training.splits import Split, check_seen, draw_folds, make_folds
from wsigraph.training.strata import patient_strata

USUAL_FOLDS, USUAL_INNER = 5, 3


@dataclass(frozen=True)
class SplitPlan:
    """How to split.

    Args:
        kind: ``kfold``, ``nested``, ``leave-site-out`` or ``official``.
        folds: Folds of a repeat; 5 where None, or one for each site, or the one of the official split.
        repeats: How often k folds are drawn anew.
        inner_folds: Folds within each fold of nested splits, 3 where None; other kinds take none.
        seed: Seed of the draws.
        given: Splits of others to check and to keep, in place of drawn ones; ``kind`` is then passed over.
        keep_overlap: Whether patients that an official or given split has on several sides stay there; they
            are counted in every report.
    """

    kind: str = "kfold"
    folds: int | None = None
    repeats: int = 1
    inner_folds: int | None = None
    seed: int = 0
    given: str | Path | None = None
    keep_overlap: bool = False


@dataclass(frozen=True)
class Drawn:
    """Splits that belong in one folder.

    Args:
        folder: Its name below the output; empty for the output itself.
        splits: The splits.
        overlap: Patients that stay on several sides.
    """

    folder: str
    splits: Sequence[Split]
    overlap: tuple[str, ...] = ()


def split_cohort(
    plan: SplitPlan,
    cohort: Cohort,
    *,
    out: str | Path,
    features: bool = False,
    reporter: Reporter = Silent(),
) -> list[SplitSet]:
    """Write the splits of a cohort.

    Nested splits are the outer ones in ``out`` and those inside fold k in ``out/inner_<k>``, each of which
    ``wsigraph train --splits`` takes.

    Args:
        plan: How.
        cohort: The slides.
        out: The folder.
        features: Whether the cohort's slides have features, to look for hashes and nearly equal slides too.
        reporter: Hears of the progress.

    Returns: The splits of ``out``, and then those of its folders.
    Raises: RecipeError: if there is no such kind, or it takes no such setting. CohortError: if the cohort
        cannot be split so, or a feature file cannot be read. LeakError: if anything stands on two sides.
    """
    _check_settings(plan)
    drawn = KINDS[plan.kind](plan, cohort) if plan.given is None else _given(plan, cohort, reporter)
    checked: tuple[str, ...] = CHECKED[:1]
    if features:
        traits, failed = traits_of_files(cohort, reporter)
        if failed:
            name, why = next(iter(failed.items()))
            got = f"{len(failed)} that cannot ('{name}': {why})"
            raise CohortError(expected("Splits", "feature files that can be read", got))
        for one in drawn:
            check_sides(one.splits, cohort, traits, overlap=one.overlap)
        checked = CHECKED
    found, names = [], [slide.slide_id for slide in cohort.slides]
    manifest = cohort.source.get("manifest", "")
    for one in drawn[::-1]:  # the outer ones last: where they stand, all stand
        folder = Path(out) / one.folder
        named = SplitSet(
            name_splits(one.splits, names),
            f"Splits '{folder}'",
            plan.kind if plan.given is None else "given",
            Path(manifest).name,
            cohort.source.get("sha256", ""),
            checked,
            one.overlap,
        )
        write_splits(named, cohort, folder)
        found.append(named)
    return found[::-1]


def _check_settings(plan: SplitPlan) -> None:
    """Refuse settings that would be passed over in silence."""
    if plan.kind not in KINDS:
        raise RecipeError(expected("Splits", f"a kind of {sorted(KINDS)}", f"'{plan.kind}'"))
    if plan.given is not None and (plan.folds is not None or plan.repeats > 1):
        got = f"folds {plan.folds}" if plan.folds is not None else f"repeats {plan.repeats}"
        todo = "Given splits bring their own: leave out folds and repeats."
        raise RecipeError(expected(f"Splits '{plan.given}'", "no number of folds or repeats", got, todo=todo))
    if plan.repeats > 1 and plan.kind != "kfold":
        raise RecipeError(expected(f"Splits of kind '{plan.kind}'", "one repeat", f"{plan.repeats}"))
    if plan.inner_folds is not None and (plan.kind != "nested" or plan.given is not None):
        what = f"Splits of kind '{plan.kind}'" if plan.given is None else f"Splits '{plan.given}'"
        raise RecipeError(expected(what, "no inner folds, which nested ones have", f"{plan.inner_folds}"))


def _kfold(plan: SplitPlan, cohort: Cohort) -> list[Drawn]:
    settings = {"folds": plan.folds or USUAL_FOLDS, "repeats": plan.repeats, "seed": plan.seed}
    if cohort.task.one_class:
        return [Drawn("", make_folds(cohort.labels, cohort.patients, **settings))]
    strata = patient_strata(cohort.strata, cohort.patients, folds=settings["folds"])
    return [Drawn("", draw_folds(strata, cohort.patients, **settings))]


def _nested(plan: SplitPlan, cohort: Cohort) -> list[Drawn]:
    if not cohort.task.one_class:
        raise RecipeError(expected("Nested splits", "a task of one class per slide", cohort.task.name))
    nested = nested_folds(
        cohort.labels,
        cohort.patients,
        folds=plan.folds or USUAL_FOLDS,
        inner_folds=plan.inner_folds or USUAL_INNER,
        seed=plan.seed,
    )
    outer = Drawn("", [one.outer for one in nested])
    return [outer, *(Drawn(f"inner_{one.outer.fold}", one.inner) for one in nested)]


def _leave_site_out(plan: SplitPlan, cohort: Cohort) -> list[Drawn]:
    sites = [slide.site for slide in cohort.slides]
    splits = leave_site_out(
        _strata(cohort, folds=1), cohort.patients, sites, folds=plan.folds, seed=plan.seed
    )
    for split in splits if cohort.task.one_class else ():
        check_seen(split, cohort.labels)
    return [Drawn("", splits)]


def _official(plan: SplitPlan, cohort: Cohort) -> list[Drawn]:
    if plan.folds is not None:
        raise RecipeError(expected("The official split", "no number of folds", f"{plan.folds}"))
    sides, strata = [slide.split for slide in cohort.slides], _strata(cohort, folds=1)
    shared = patients_on_several_sides(sides, cohort.patients)
    kept = _keep(shared, plan)
    split = official_split(sides, strata, cohort.patients, seed=mix(plan.seed, "val"), overlap=kept)
    return [Drawn("", [split], kept)]


def _given(plan: SplitPlan, cohort: Cohort, reporter: Reporter) -> list[Drawn]:
    assert plan.given is not None
    found = read_splits(plan.given)
    owners = {slide.slide_id: slide.patient_id for slide in cohort.slides}
    everybody = replace(found, overlap=tuple(sorted(set(owners.values()))))
    splits, notes = splits_for(everybody, cohort, seed=plan.seed)
    for note in notes:
        reporter.say(f"note: {note}")
    for split in splits if cohort.task.one_class else ():
        check_seen(split, cohort.labels)
    return [Drawn("", splits, _keep(overlap_of(splits, cohort.patients), plan))]


def _keep(shared: Mapping[str, Mapping[str, int]], plan: SplitPlan) -> tuple[str, ...]:
    """Patients on several sides, if they are to stay there.

    Raises: LeakError: if they are not.
    """
    if shared and not plan.keep_overlap:
        raise LeakError(
            expected(
                "Splits",
                "every patient on one side",
                overlap_told(shared),
                todo="Mend them, or keep them with --keep-overlap, which every report will say.",
            )
        )
    return tuple(shared)


def _strata(cohort: Cohort, *, folds: int) -> list[str]:
    if cohort.task.one_class:
        return cohort.labels
    return patient_strata(cohort.strata, cohort.patients, folds=folds)


KINDS: Mapping[str, Callable[[SplitPlan, Cohort], list[Drawn]]] = MappingProxyType(
    {"kfold": _kfold, "nested": _nested, "leave-site-out": _leave_site_out, "official": _official}
)
"""Kinds by name."""
