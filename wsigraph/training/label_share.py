"""A share of the training slides, as if fewer had been labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsigraph.errors import CohortError, expected
from wsigraph.training.seeds import mix

LEAST = 2
"""Slides that every class keeps, however small the share."""


def share_of_slides(train: Sequence[int], strata: Sequence[str], *, share: float, seed: int) -> list[int]:
    """Some of the training slides, about the same share of each class.

    Smaller shares of one seed lie within larger ones. A class keeps at least two slides, or all it has.
    Slides are drawn one by one, also where a patient has several: what is few is labels.

    Args:
        train: Places of the training slides.
        strata: Class of every slide of the cohort.
        share: Above 0, up to 1, which keeps all.
        seed: Of the draw.

    Raises: CohortError: if the share is none.
    """
    if not 0.0 < share <= 1.0:
        raise CohortError(expected("share_of_slides", "a share above 0 and up to 1", f"{share}"))
    if share == 1.0:
        return list(train)
    kept: set[int] = set()
    for name in sorted({strata[i] for i in train}):
        mine = [i for i in train if strata[i] == name]
        order = np.random.default_rng(mix(seed, "label share", name)).permutation(mine).tolist()
        kept.update(order[: max(LEAST, round(share * len(mine)))])
    return [i for i in train if i in kept]
