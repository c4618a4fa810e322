"""Folds that hold out whole sites, so that no hospital is learned from and tested on at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from wsigraph.errors import CohortError, expected
from wsigraph.training.official_split import held_out
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split, check_leaks


def leave_site_out(
    strata: Sequence[str],
    patients: Sequence[str],
    sites: Sequence[str],
    *,
    folds: int | None = None,
    seed: int = 0,
    val_share: float = 0.15,
) -> list[Split]:
    r"""Test every site once, on what was learned from the others.

    With fewer folds than sites the sites are dealt, large ones first, each to the fold where it adds least to

    .. math::  \sum_f \sum_c \left( n_{fc} / n_c \right)^2

    with :math:`n_{fc}` slides of stratum c in fold f, so that folds are about alike in size and strata.
    Validation slides are drawn from the training slides by patient and stratum, as ``make_folds`` does.

    Args:
        strata: One per slide: classes, or what ``training.strata.patient_strata`` gives.
        patients: One per slide.
        sites: One per slide.
        folds: Number of folds, at least 2; one for each site where not given.
        seed: Seed of the draws.
        val_share: Share of the training patients that validate.

    Raises: CohortError: if a slide has no site, or there are fewer sites than folds. LeakError: if a patient
        has slides of sites in two folds.
    Source: Howard et al. 2021, preserved-site cross-validation. Differs: greedy, in place of their quadratic
        programme.
    """
    unknown = sum(not site for site in sites)
    number = len(set(sites))
    least = max(2, folds if folds is not None else 2)
    if unknown or number < least:
        what = f"a site for every slide, and at least {least} sites"
        raise CohortError(
            expected(
                "Leave-site-out",
                what,
                f"{unknown} slides without and {number - bool(unknown)} sites",
                todo="Name them in a column 'site', or use fewer folds.",
            )
        )
    if folds is not None and folds < 2:
        raise CohortError(expected("Leave-site-out", "at least 2 folds", f"{folds}"))
    dealt = _deal(strata, sites, folds=number if folds is None else folds, seed=mix(seed, "sites"))
    splits = []
    for fold, mine in enumerate(dealt):
        test = [i for i, site in enumerate(sites) if site in mine]
        rest = [i for i, site in enumerate(sites) if site not in mine]
        train, val = held_out(rest, strata, patients, share=val_share, seed=mix(seed, "val", 0, fold))
        splits.append(Split(0, fold, tuple(train), tuple(val), tuple(test)))
    for split in splits:
        check_leaks(split, patients)
    return splits


def _deal(strata: Sequence[str], sites: Sequence[str], *, folds: int, seed: int) -> list[set[str]]:
    """Sites of each fold; each as early as it is large, sites of one size in random order."""
    totals = Counter(strata)
    counts = {site: Counter[str]() for site in sorted(set(sites))}
    for stratum, site in zip(strata, sites, strict=True):
        counts[site][stratum] += 1
    order = np.random.default_rng(seed).permutation(list(counts)).tolist()
    order.sort(key=lambda site: -counts[site].total())
    dealt: list[set[str]] = [set() for _ in range(folds)]
    held = [Counter[str]() for _ in range(folds)]
    for site in order:

        def added(fold: int, mine: Counter[str] = counts[site]) -> tuple[float, int, int]:
            more = sum(n * (2 * held[fold][c] + n) / totals[c] ** 2 for c, n in mine.items())
            return round(more, 12), held[fold].total(), fold

        best = min(range(folds), key=added)
        dealt[best].add(site)
        held[best] += counts[site]
    return dealt
