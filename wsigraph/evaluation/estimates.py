"""Estimates as arrays, and from slides to patients: what ``sample`` and ``patients`` do for classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.sample import SCORED_SPLITS, Rows, Sample, check_once


def scored_estimates(rows: Iterable[Estimate]) -> list[Estimate]:
    """Rows of which something is known and that the model never saw (splits "test" and "external")."""
    return [row for row in rows if row.split in SCORED_SPLITS and row.known]


def sample_of_estimates(rows: Iterable[Estimate]) -> Sample:
    """Arrays of the scored rows: ``labels [n, T + 1]`` are the targets and, last, the fold that answered;
    ``probabilities [n, A]`` the values.

    Raises: RunError: if no row can be scored, a slide stands twice in one repeat, or rows differ in length.
    """
    scored = scored_estimates(rows)
    _check(scored)
    names = sorted({row.patient_id for row in scored})
    number = {name: index for index, name in enumerate(names)}
    blocks = []
    for repeat in sorted({row.repeat for row in scored}):
        block = sorted((row for row in scored if row.repeat == repeat), key=lambda row: row.slide_id)
        blocks.append(
            Rows(
                tuple(row.slide_id for row in block),
                np.array([(*row.target, row.fold) for row in block], dtype=np.float64),
                np.array([row.values for row in block], dtype=np.float64),
                np.array([number[row.patient_id] for row in block], dtype=np.int64),
            )
        )
    return Sample(tuple(blocks), tuple(names), len(scored[0].values))


def estimates_of_patients(rows: Iterable[Estimate]) -> tuple[tuple[Estimate, ...], tuple[str, ...]]:
    """Average the values of each patient's slides, every slide counting the same.

    A patient whose slides contradict each other in any entry is left out, as with classes; entries unknown of
    one slide are taken from another. The fold is kept where one model spoke for all slides, else -1.

    Returns: One row per patient and repeat, and the patients left out.
    """
    groups: dict[tuple[str, int, bool], list[Estimate]] = {}
    for row in rows:
        groups.setdefault((row.patient_id, row.repeat, row.split in SCORED_SPLITS), []).append(row)
    truth = {key: _common([row.target for row in group if row.target]) for key, group in groups.items()}
    contradicting = {patient for (patient, _, _), target in truth.items() if target is None}
    merged = [
        _merge(group, target or ())
        for (key, group), target in zip(groups.items(), truth.values(), strict=True)
        if key[0] not in contradicting
    ]
    return tuple(merged), tuple(sorted(contradicting))


def _common(targets: Sequence[tuple[float, ...]]) -> tuple[float, ...] | None:
    """What all targets agree on, entry by entry; None where two contradict each other."""
    found = []
    for entries in zip(*targets, strict=True):
        known = {entry for entry in entries if not math.isnan(entry)}
        if len(known) > 1:
            return None
        found.append(known.pop() if known else math.nan)
    return tuple(found)


def _merge(rows: list[Estimate], target: tuple[float, ...]) -> Estimate:
    mean = np.mean([row.values for row in rows], axis=0)
    folds = {row.fold for row in rows}
    first = rows[0]
    return Estimate(
        slide_id=first.patient_id,
        patient_id=first.patient_id,
        values=tuple(float(value) for value in mean),
        target=target,
        repeat=first.repeat,
        fold=folds.pop() if len(folds) == 1 else -1,
        split=first.split,
    )


def _check(rows: Sequence[Estimate]) -> None:
    if not rows:
        splits = " or ".join(map(repr, SCORED_SPLITS))
        raise RunError(expected("Predictions", f"rows of split {splits} with a known target", "none"))
    shapes = sorted({(len(row.target), len(row.values)) for row in rows})
    if len(shapes) > 1:
        raise RunError(expected("Predictions", "the same columns in each row", f"{shapes} of them"))
    check_once(rows)
