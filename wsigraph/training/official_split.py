"""The split that a manifest brings along, as every published comparison on it uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    sides: Sequence[str], strata: Sequence[str], patients: Sequence[str], *, seed: int, share: float = 0.15
) -> Split:
    """The sides as they are given; where none validates, a share of the training patients does.

    Args:
        sides: ``train``, ``val`` or ``test`` for each slide, in any case.
        strata: What validation slides are drawn by: classes, or strata of patients.
        patients: One per slide.
        seed: Of that draw.
        share: Share of the training patients that validates where the split names none.

    Raises: CohortError: if a slide has no side, or one that is none of these, or nothing trains or is tested.
        LeakError: if a patient stands on two sides.
    """
    told = [_SIDES.get(side.strip().lower(), "") for side in sides]
    wrong = sorted({given for given, side in zip(sides, told, strict=True) if not side})
    where = "Official split"
    if wrong:
        what = "one of train, val and test for every slide"
        raise CohortError(expected(where, what, f"{wrong} for {told.count('')} of {len(told)} slides"))
    train, val, test = ([i for i, side in enumerate(told) if side == one] for one in ("train", "val", "test"))
    if not train or not test:
        raise CohortError(expected(where, "slides to train on and to test", f"{len(train)} and {len(test)}"))
    if not val:
        kept, held = split_off(
            [strata[i] for i in train], [patients[i] for i in train], share=share, seed=seed
        )
        train, val = [train[i] for i in kept], [train[i] for i in held]
    split = Split(0, 0, tuple(train), tuple(val), tuple(test))
    check_leaks(split, patients)
    return split
