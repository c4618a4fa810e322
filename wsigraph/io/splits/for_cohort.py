"""Splits of a file, for the slides of a cohort."""

from __future__ import annotations

from collections import Counter

from wsigraph.errors import CohortError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.slide_names import Names
from wsigraph.io.splits.named import NamedSplit, SplitSet
from wsigraph.training.official_split import held_out, overlap_of, overlap_told
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split, check_leaks
from wsigraph.training.strata import patient_strata


def splits_for(found: SplitSet, cohort: Cohort, *, seed: int = 0) -> tuple[list[Split], list[str]]:
    """The splits by places in a cohort, and what a person should know of them.

    Patients of ``found.overlap`` may stand on several sides; they are counted and told. A slide of the file
    that the cohort lacks is passed over, and a slide of the cohort that no side names is
    not used; both are told. Where a split names nothing to validate on, 15 % of its training patients do.

    Args:
        found: As ``read_splits`` gives them.
        cohort: The slides.
        seed: Of the draw of validation slides.

    Raises: CohortError: if the splits were drawn for another manifest, or a split keeps nothing to train on
        or to test. LeakError: if a patient stands on two sides.
    """
    check_manifest(found, cohort)
    ids = [slide.slide_id for slide in cohort.slides]
    places = {name: place for place, name in enumerate(ids)}
    names, missing, used = Names(tuple(ids)), dict[str, None](), set[int]()
    splits = []
    for split in found.splits:
        sides: dict[str, list[int]] = {}
        for side, given in split.sides.items():
            same = {name: names.same_as(name) for name in given}
            missing.update(dict.fromkeys(name for name, here in same.items() if here is None))
            sides[side] = sorted(places[here] for here in same.values() if here is not None)
        where = f"{found.where}, fold {split.fold} of repeat {split.repeat}"
        _check_once(sides, ids, where=where)
        mine = _split(split, sides, cohort, where=where, seed=seed)
        check_leaks(mine, cohort.patients, overlap=found.overlap)
        used.update((*mine.train, *mine.val, *mine.test))
        splits.append(mine)
    notes = _notes(found, list(missing), [name for i, name in enumerate(ids) if i not in used])
    kept = overlap_of(splits, cohort.patients)
    return splits, [*notes, *([f"{overlap_told(kept)}; kept as asked."] if kept else [])]


def check_manifest(found: SplitSet, cohort: Cohort) -> None:
    """Refuse splits that were drawn for another manifest.

    Raises: CohortError: naming both.
    """
    mine = cohort.source.get("sha256", "")
    if found.sha256 and found.sha256 != mine:
        name = cohort.source.get("manifest", "no manifest")
        raise CohortError(
            expected(
                found.where,
                f"splits of manifest '{name}' (sha256 {mine[:12]})",
                f"splits drawn for '{found.manifest}' (sha256 {found.sha256[:12]})",
                todo="Give the manifest they were drawn for, or draw new ones with `wsigraph splits`.",
            )
        )


def _check_once(sides: dict[str, list[int]], ids: list[str], *, where: str) -> None:
    """Refuse a slide that two names of a file mean."""
    named = Counter(place for side in sides.values() for place in side)
    twice = [ids[place] for place, count in named.items() if count > 1]
    if twice:
        raise CohortError(expected(where, "every slide once", f"several names of '{twice[0]}'"))


def _split(split: NamedSplit, sides: dict[str, list[int]], cohort: Cohort, *, where: str, seed: int) -> Split:
    train, val, test = sides["train"], sides["val"], sides["test"]
    if not train or not test:
        raise CohortError(
            expected(
                where,
                "slides of the cohort to train on and to test",
                f"{len(train)} of {len(split.train)} and {len(test)} of {len(split.test)}",
                todo="Check that the names are those of the manifest.",
            )
        )
    if not val:
        strata = cohort.strata
        if not cohort.task.one_class:
            strata = patient_strata(strata, cohort.patients, folds=1)
        drawn = mix(seed, "val", split.repeat, split.fold)
        train, val = held_out(train, strata, cohort.patients, share=0.15, seed=drawn)
    mine = Split(split.repeat, split.fold, tuple(train), tuple(val), tuple(test))
    return mine


def _notes(found: SplitSet, missing: list[str], unused: list[str]) -> list[str]:
    notes = []
    if missing:
        notes.append(f"{found.where}: {_listed(missing)} of it are not in the cohort.")
    if unused:
        notes.append(f"{found.where}: {_listed(unused)} of the cohort stand in none of its sides.")
    return notes


def _listed(names: list[str], most: int = 5) -> str:
    some = ", ".join(f"'{name}'" for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} slides ({some}{more})"
