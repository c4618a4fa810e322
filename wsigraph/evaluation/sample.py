"""Predictions as arrays, one block per repeat, with their patients numbered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected

SCORED_SPLITS = ("test", "external")
"""Splits whose rows the model never saw: the only ones that are scored."""


@dataclass(frozen=True)
class Rows:
    """The scored rows of one repeat, sorted by slide.

    Args:
        slides: Names of the n slides.
        labels: ``[n]`` int class indices; of estimates ``[n, T + 1]``, their targets and the fold.
        probabilities: ``[n, K]``; of estimates ``[n, A]``, their values.
        patients: ``[n]`` int, index of each slide's patient.
    """

    slides: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    patients: np.ndarray


@dataclass(frozen=True)
class Sample:
    """All that metrics and their intervals need.

    Args:
        repeats: One block per repeat, in order of the repeat's number.
        patients: Their names; ``Rows.patients`` counts into them.
        num_classes: Number of classes K; of estimates, of values A.
    """

    repeats: tuple[Rows, ...]
    patients: tuple[str, ...]
    num_classes: int


def scored(predictions: Iterable[Prediction]) -> list[Prediction]:
    """Rows with a known label that the model never saw (splits "test" and "external")."""
    return [row for row in predictions if row.split in SCORED_SPLITS and row.known]


def sample_of(predictions: Iterable[Prediction]) -> Sample:
    """Arrays of the scored rows.

    Raises: RunError: if no row can be scored, a slide stands twice in one repeat, or the rows disagree on the
        number of classes.
    """
    rows = scored(predictions)
    _check(rows)
    names = sorted({row.patient_id for row in rows})
    number = {name: index for index, name in enumerate(names)}
    blocks = []
    for repeat in sorted({row.repeat for row in rows}):
        block = sorted((row for row in rows if row.repeat == repeat), key=lambda row: row.slide_id)
        blocks.append(
            Rows(
                tuple(row.slide_id for row in block),
                np.array([row.label for row in block], dtype=np.int64),
                np.array([row.probabilities for row in block], dtype=np.float64),
                np.array([number[row.patient_id] for row in block], dtype=np.int64),
            )
        )
    return Sample(tuple(blocks), tuple(names), len(rows[0].probabilities))


def _check(rows: Sequence[Prediction]) -> None:
    where = "Predictions"
    if not rows:
        raise RunError(
            expected(
                where, f"rows of split {' or '.join(map(repr, SCORED_SPLITS))} with a known label", "none"
            )
        )
    widths = sorted({len(row.probabilities) for row in rows})
    if len(widths) > 1 or widths[0] < 2:
        raise RunError(expected(where, "the same two or more classes in each row", f"{widths} probabilities"))
    worst = max(rows, key=lambda row: row.label)
    if worst.label >= widths[0]:
        raise RunError(
            expected(f"Prediction '{worst.slide_id}'", f"a label below {widths[0]}", f"{worst.label}")
        )
    check_once(rows)


def check_once(rows: Sequence[Prediction | Estimate]) -> None:
    """Refuse a slide that stands twice in one repeat.

    Raises: RunError: naming the first.
    """
    twice = [key for key, n in Counter((row.slide_id, row.repeat) for row in rows).items() if n > 1]
    if twice:
        raise RunError(
            expected(
                "Predictions",
                "one row per slide and repeat",
                f"{len(twice)} that stand more often (first: slide '{twice[0][0]}', repeat {twice[0][1]})",
                todo="Give every resample of the cohort its own repeat number.",
            )
        )
