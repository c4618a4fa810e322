"""Slides that are nearly the same slide: scanned or tiled twice, under two names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from wsigraph.errors import LeakError, expected
from wsigraph.training.splits import Split

_ROWS: Final = 512  # of the distances that are held at once


@dataclass(frozen=True)
class Pair:
    """Two slides that are nearly the same.

    Args:
        first: Place of the one.
        second: Place of the other, behind it.
        distance: How far apart they are; two slides taken at random are about 1.4 apart.
    """

    first: int
    second: int
    distance: float


def near_duplicates(means: np.ndarray, deviations: np.ndarray, *, within: float = 0.1) -> list[Pair]:
    r"""Pairs of slides whose features have nearly the same means and standard deviations.

    The statistics of a slide, its means and standard deviations over patches, are brought to mean 0 and
    variance 1 over the slides; statistics that all slides share are dropped. With k left,

    .. math::  d_{ij} = \Big( \tfrac1k \sum_c (s_{ic} - s_{jc})^2 \Big)^{1/2},

    whose square is 2 on average over all pairs. A slide tiled again on a shifted grid is much closer to
    itself than to any other; sections of one block need not be found.

    Args:
        means: Of each channel over the patches of a slide.
        deviations: Standard deviation of the same.
        within: Distance from which on two slides count as two; 0 finds equal statistics alone.

    Shape: means and deviations ``[num_slides, in_channels]``.
    """
    s = np.concatenate([means, deviations], axis=1).astype(np.float64)
    s = s - s.mean(0)
    spread = s.std(0)
    told = spread > 1e-9 * (1 + np.abs(means).max(initial=0.0))
    if len(s) < 3 or not told.any():  # of two slides nothing can be said: they are 2 apart, whatever they are
        return []
    s = s[:, told] / spread[told]
    rough = s.astype(np.float32)  # twice as fast; candidates are measured again
    squares, found = (rough * rough).sum(1), []
    limit = (1.01 * within**2 + 1e-3) * s.shape[1]
    for start in range(0, len(s), _ROWS):
        block = slice(start, start + _ROWS)
        d = squares[block, None] + squares - 2 * rough[block] @ rough.T
        for i, j in zip(*np.nonzero(d <= limit), strict=True):
            if start + i < j:
                distance = float(np.sqrt(((s[start + i] - s[j]) ** 2).mean()))
                found += [Pair(int(start + i), int(j), distance)] if distance <= within else []
    return found


def check_near(split: Split, names: Sequence[str], pairs: Iterable[Pair]) -> None:
    """Refuse two slides that are nearly the same on two sides.

    Args:
        split: The sides.
        names: Slide ids.
        pairs: As ``near_duplicates`` finds them.

    Raises: LeakError: naming the first pair.
    """
    sides = {"train": split.train, "val": split.val, "test": split.test}
    side_of = {place: side for side, places in sides.items() for place in places}
    for pair in pairs:
        one, other = side_of.get(pair.first), side_of.get(pair.second)
        if one and other and one != other:
            raise LeakError(
                expected(
                    f"Fold {split.fold} of repeat {split.repeat}",
                    "slides that are nearly the same on one side",
                    f"'{names[pair.first]}' in {one} and '{names[pair.second]}' in {other}, "
                    f"{pair.distance:.2f} apart (two slides at random: 1.4)",
                    todo="Look at both: give them one patient_id, or leave one out.",
                )
            )
