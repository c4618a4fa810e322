"""The highest scored share of many slides' patches, counted over all of them together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.training.mining.quantile import select


@dataclass(frozen=True)
class Top:
    """The highest scored patches of a stream.

    Args:
        threshold: The lowest score among them; None where none was wanted.
        rows: Rows taken of each chunk, sorted.
        count: How many patches that is.
        tied: Patches of the stream that score exactly the threshold, taken or not.
    """

    threshold: float | None
    rows: tuple[np.ndarray, ...]
    count: int
    tied: int


class Candidates:
    """A stream of the scores above a floor, made anew in each pass.

    Args:
        scores: ``[n]`` per slide.
        floor: Only scores above it are candidates.
    """

    def __init__(self, scores: Sequence[np.ndarray], floor: float = -math.inf) -> None:
        self.scores, self.floor = scores, floor

    def __iter__(self) -> Iterator[np.ndarray]:
        return (chunk[chunk > self.floor] for chunk in self.scores)

    def __len__(self) -> int:
        """Number of candidates."""
        return sum(int((chunk > self.floor).sum()) for chunk in self.scores)


def number_of(share: float, total: int) -> int:
    """``ceil(share * total)``, and no more where the product is a whole number but for rounding."""
    return math.ceil(round(share * total, 6))


def take_top(candidates: Candidates, count: int, *, seed: int) -> Top:
    """Take exactly ``count`` patches with the highest scores.

    Of the patches that tie at the threshold, those taken are drawn from the seed: saturated scores (many
    patches at exactly 1) neither empty the choice nor flood it, and no slide comes first because of its
    place.

    Args:
        candidates: What is chosen from; holds at least ``count``.
        count: How many.
        seed: Of the draw among ties.
    """
    if not count:
        return Top(None, tuple(np.zeros(0, np.int64) for _ in candidates.scores), 0, 0)
    (place,) = select(candidates, lambda total: [total - count])
    above = place.total - place.below - place.equal
    drawn = np.random.default_rng(seed).choice(place.equal, count - above, replace=False, shuffle=False)
    drawn.sort()
    rows, before = [], 0  # ties of the slides before
    for chunk in candidates.scores:
        tied = np.flatnonzero(chunk == place.value)
        low, high = np.searchsorted(drawn, [before, before + len(tied)])
        mine = np.concatenate([np.flatnonzero(chunk > place.value), tied[drawn[low:high] - before]])
        rows.append(np.sort(mine))
        before += len(tied)
    return Top(place.value, tuple(rows), count, place.equal)
