"""Strata of patients that are large enough to stand in every fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wsigraph.errors import CohortError, expected


def patient_strata(strata: Sequence[str], patients: Sequence[str], *, folds: int) -> list[str]:
    """Give all slides of a patient one stratum, and join strata too small to be dealt to every fold.

    A patient with slides of several strata counts for the rarest. The smallest stratum is joined with the
    next one up until each is large enough, so that many rare combinations become one.

    Args:
        strata: One per slide.
        patients: One per slide.
        folds: Number of folds that test; 1 where slides are only split off once, to validate.

    Raises: CohortError: if there are too few patients in all.
    """
    least = _least(folds)
    slides = Counter(strata)
    mine: dict[str, str] = {}
    for stratum, patient in zip(strata, patients, strict=True):
        other = mine.setdefault(patient, stratum)
        mine[patient] = min(other, stratum, key=lambda name: (slides[name], name))
    groups = {name: [p for p, s in mine.items() if s == name] for name in sorted(set(mine.values()))}
    if len(mine) < least:
        raise CohortError(
            expected(
                "Folds",
                f"at least {least} patients for {folds} folds and validation",
                f"{len(mine)}",
                todo="Use fewer folds, or more patients.",
            )
        )
    while len(groups) > 1:
        small, next_up = sorted(groups, key=lambda name: (len(groups[name]), name))[:2]
        if len(groups[small]) >= least:
            break
        groups[f"{small} or {next_up}"] = groups.pop(small) + groups.pop(next_up)
    joined = {patient: name for name, members in groups.items() for patient in members}
    return [joined[patient] for patient in patients]


def _least(folds: int) -> int:
    """Patients of a stratum, so that each fold tests one and leaves one to train and one to validate."""
    least = max(folds, 2)
    while folds > 1 and least - -(-least // folds) < 2:
        least += 1
    return least
