"""How many lesions of each size are found, at a specificity that is fixed for all methods alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.sample import scored


@dataclass(frozen=True)
class SizeGroup:
    """Slides of one range of sizes.

    Args:
        low: Smallest size, included.
        high: Largest size, not included.
        slides: How many there are.
        value: Mean over them, NaN where there is none.
        low95: Lower end of the 95 % interval, NaN for fewer than two slides.
        high95: Upper end.
    """

    low: float
    high: float
    slides: int
    value: float
    low95: float
    high95: float


def found_at(rows: Sequence[Prediction], *, specificity: float = 0.9) -> dict[str, float]:
    r"""By positive slide, the share of repeats that find it at a fixed specificity.

    In each repeat a slide is found if its probability of the second class lies above the k-th of the n
    negative slides, sorted; so that at least the wanted share of negatives is not.

    .. math::  k = \lceil n \cdot \mathrm{specificity} \rceil, \quad
        \mathrm{found}_i = \mathrm{mean}_r\, [p_{ri} > p^{-}_{r(k)}]

    Args:
        rows: Answers of one method to two classes; folds of a repeat are read together.
        specificity: Above 0, up to 1.

    Raises: RunError: if there are other than two classes, no negative slide, or the specificity is out of
        range.
    """
    where, known = "found_at", scored(rows)
    if not 0.0 < specificity <= 1.0 or any(len(row.probabilities) != 2 for row in known):
        raise RunError(expected(where, "two classes and a specificity above 0, up to 1", f"{specificity}"))
    found: dict[str, list[bool]] = {}
    for repeat in sorted({row.repeat for row in known}):
        mine = [row for row in known if row.repeat == repeat]
        negatives = sorted(row.probabilities[1] for row in mine if row.label == 0)
        if not negatives:
            raise RunError(expected(where, "negative slides in every repeat", f"none in {repeat}"))
        bound = negatives[math.ceil(round(len(negatives) * specificity, 9)) - 1]
        for row in mine:
            if row.label == 1:
                found.setdefault(row.slide_id, []).append(row.probabilities[1] > bound)
    return {slide: sum(each) / len(each) for slide, each in found.items()}


def by_size(
    values: Mapping[str, float],
    sizes: Mapping[str, float],
    edges: Sequence[float],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> list[SizeGroup]:
    """Means of a value per slide, by ranges of size, with percentile intervals over slides.

    Of ``found_at`` it is the sensitivity; of the difference of two methods', slide by slide, the paired
    difference. Thresholds are those of all negatives: what other negatives would change is in no interval.

    Args:
        values: By slide.
        sizes: Of these slides, in any unit.
        edges: Rising; the last range may end in infinity. Slides outside are left out.
        resamples: Of slides.
        seed: Of the resamples.

    Raises: RunError: if a slide has no size, or the edges do not rise.
    """
    absent = sorted(set(values) - set(sizes))
    if absent or len(edges) < 2 or any(b <= a for a, b in pairwise(edges)):
        got = f"'{absent[0]}' without" if absent else f"edges {list(edges)}"
        raise RunError(expected("by_size", "a size of every slide, and edges that rise", got))
    groups = []
    for low, high in pairwise(edges):
        mine = np.array([values[slide] for slide in sorted(values) if low <= sizes[slide] < high])
        ends = (math.nan, math.nan)
        if len(mine) > 1:
            drawn = np.random.default_rng(seed).integers(len(mine), size=(resamples, len(mine)))
            ends = tuple(np.percentile(mine[drawn].mean(1), (2.5, 97.5)).tolist())
        value = float(mine.mean()) if len(mine) else math.nan
        groups.append(SizeGroup(low, high, len(mine), value, *ends))
    return groups
