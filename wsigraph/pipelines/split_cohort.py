"""Draw the splits of a cohort by kind, look for leaks, and write them for us and for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.splits import SplitSet, write_splits
from wsigraph.io.splits.named import name_splits
from wsigraph.pipelines.leaks import CHECKED, check_sides, traits_of_files
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.nested_splits import nested_folds
from wsigraph.training.official_split import official_split
from wsigraph.training.seeds import mix
from wsigraph.training.site_splits import leave_site_out
from wsigraph.training.splits import Split, check_seen, draw_folds, make_folds
from wsigraph.training.strata import patient_strata

USUAL_FOLDS = 5


@dataclass(frozen=True)
class SplitPlan:
    """How to split.

    Args:
        kind: ``kfold``, ``nested``, ``leave-site-out`` or ``official``.
        folds: Folds of a repeat; 5 where None, or one for each site, or the one of the official split.
        repeats: How often k folds are drawn anew.
        inner_folds: Folds within each fold, of nested splits.
        seed: Seed of the draws.
    """

    kind: str = "kfold"
    folds: int | None = None
    repeats: int = 1
    inner_folds: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Drawn:
    """Splits that belong in one folder.

    Args:
        folder: Its name below the output; empty for the output itself.
        splits: The splits.
    """

    folder: str
    splits: Sequence[Split]


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
    if plan.kind not in KINDS:
        raise RecipeError(expected("Splits", f"a kind of {sorted(KINDS)}", f"'{plan.kind}'"))
    if plan.repeats > 1 and plan.kind != "kfold":
        raise RecipeError(expected(f"Splits of kind '{plan.kind}'", "one repeat", f"{plan.repeats}"))
    drawn = KINDS[plan.kind](plan, cohort)
    checked: tuple[str, ...] = CHECKED[:1]
    if features:
        traits, failed = traits_of_files(cohort, reporter)
        if failed:
            name, why = next(iter(failed.items()))
            got = f"{len(failed)} that cannot ('{name}': {why})"
            raise CohortError(expected("Splits", "feature files that can be read", got))
        for one in drawn:
            check_sides(one.splits, cohort, traits)
        checked = CHECKED
    found, names = [], [slide.slide_id for slide in cohort.slides]
    manifest = cohort.source.get("manifest", "")
    for one in drawn[::-1]:  # the outer ones last: where they stand, all stand
        folder = Path(out) / one.folder
        named = SplitSet(
            name_splits(one.splits, names),
            f"Splits '{folder}'",
            plan.kind,
            Path(manifest).name,
            cohort.source.get("sha256", ""),
            checked,
        )
        write_splits(named, cohort, folder)
        found.append(named)
    return found[::-1]


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
        inner_folds=plan.inner_folds,
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
    sides = [slide.split for slide in cohort.slides]
    seed = mix(plan.seed, "val")
    split = official_split(sides, _strata(cohort, folds=1), cohort.patients, seed=seed)
    return [Drawn("", [split])]


def _strata(cohort: Cohort, *, folds: int) -> list[str]:
    if cohort.task.one_class:
        return cohort.labels
    return patient_strata(cohort.strata, cohort.patients, folds=folds)


KINDS: Mapping[str, Callable[[SplitPlan, Cohort], list[Drawn]]] = MappingProxyType(
    {"kfold": _kfold, "nested": _nested, "leave-site-out": _leave_site_out, "official": _official}
)
"""Kinds by name."""
