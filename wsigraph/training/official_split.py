"""The split that a manifest brings along, as every published comparison on it uses it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from wsigraph.errors import CohortError, expected
from wsigraph.training.splits import Split, check_leaks, split_off

_SIDES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("train", "training"), "train"),
        **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
        **dict.fromkeys(("test", "testing"), "test"),
    }
)


def official_split(
    sides: Sequence[str],
    strata: Sequence[str],
    patients: Sequence[str],
    *,
    seed: int,
    share: float = 0.15,
    overlap: Collection[str] = (),
) -> Split:
    """The sides as they are given; where none validates, a share of the training patients does.

    Args:
        sides: ``train``, ``val`` or ``test`` for each slide, in any case.
        strata: What validation slides are drawn by: classes, or strata of patients.
        patients: One per slide.
        seed: Of that draw.
        share: Share of the training patients that validates where the split names none.
        overlap: Patients that stand on several sides and are to stay there.

    Raises: CohortError: if a slide has no side, or one that is none of these, or nothing trains or is tested.
        LeakError: if another patient stands on two sides.
    """
    told = [side_of(side) for side in sides]
    wrong = sorted({given for given, side in zip(sides, told, strict=True) if not side})
    where = "Official split"
    if wrong:
        what = "one of train, val and test for every slide"
        raise CohortError(expected(where, what, f"{wrong} for {told.count('')} of {len(told)} slides"))
    train, val, test = ([i for i, side in enumerate(told) if side == one] for one in ("train", "val", "test"))
    if not train or not test:
        raise CohortError(expected(where, "slides to train on and to test", f"{len(train)} and {len(test)}"))
    if not val:
        train, val = held_out(train, strata, patients, share=share, seed=seed)
    split = Split(0, 0, tuple(train), tuple(val), tuple(test))
    check_leaks(split, patients, overlap=overlap)
    return split


def held_out(
    train: Sequence[int], strata: Sequence[str], patients: Sequence[str], *, share: float, seed: int
) -> tuple[list[int], list[int]]:
    """Training slides as (train, val), split by patient and stratum.

    Args:
        train: Places of the training slides.
        strata: One per slide of all.
        patients: One per slide of all.
        share: Share of the training patients that validates.
        seed: Of the draw.
    """
    kept, held = split_off([strata[i] for i in train], [patients[i] for i in train], share=share, seed=seed)
    return [train[i] for i in kept], [train[i] for i in held]


def side_of(told: str) -> str:
    """``train``, ``val`` or ``test`` in the words of a manifest; empty where it says something else."""
    return _SIDES.get(told.strip().lower(), "")


def patients_on_several_sides(sides: Sequence[str], patients: Sequence[str]) -> dict[str, dict[str, int]]:
    """Patients that a split has on more than one side, with their slides on each.

    Args:
        sides: ``train``, ``val`` or ``test`` for each slide, in any case.
        patients: One per slide.

    Returns: ``{"67": {"train": 3, "val": 1}}``, patients and sides in order.
    """
    slides = Counter(zip(patients, map(side_of, sides), strict=True))
    found = {
        patient: {side: n for side in ("train", "val", "test") if (n := slides[patient, side])}
        for patient in sorted(set(patients))
    }
    return {patient: counts for patient, counts in found.items() if len(counts) > 1}


def overlap_of(splits: Sequence[Split], patients: Sequence[str]) -> dict[str, dict[str, int]]:
    """Patients on more than one side of a split, with their slides on each; of several splits the first."""
    found: dict[str, dict[str, int]] = {}
    for split in splits:
        places = {"train": split.train, "val": split.val, "test": split.test}
        sides = [side for side, mine in places.items() for _ in mine]
        of = [patients[i] for mine in places.values() for i in mine]
        found = {**patients_on_several_sides(sides, of), **found}
    return found


def overlap_told(overlap: Mapping[str, Mapping[str, int]]) -> str:
    """``1 patient has slides on more than one side: '67' (train 3, val 1)``, at most five by name."""
    listed = [
        f"'{patient}' ({', '.join(f'{side} {count}' for side, count in counts.items())})"
        for patient, counts in overlap.items()
    ]
    who = "1 patient has" if len(listed) == 1 else f"{len(listed)} patients have"
    more = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return f"{who} slides on more than one side: {', '.join(listed[:5])}{more}"
