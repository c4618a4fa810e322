"""What mining reads and gives back: slides with a score per patch, and chosen patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.errors import CohortError, FeatureError, expected


@dataclass(frozen=True)
class ScoredSlide:
    """A training slide and how much each of its patches looks like the class that is mined.

    Args:
        slide_id: Name of the slide.
        label: Index of its class; -1 where unknown, which is never mined.
        scores: ``[N]`` float, one score per patch, higher is more like the class.

    Raises: FeatureError: if scores are not one finite float per patch.
    """

    slide_id: str
    label: int
    scores: np.ndarray

    def __post_init__(self) -> None:
        where = f"Scores of slide '{self.slide_id}'"
        if self.scores.ndim != 1 or self.scores.dtype.kind != "f":
            got = f"{self.scores.dtype} of shape {list(self.scores.shape)}"
            raise FeatureError(expected(where, "one float per patch, shape [N]", got))
        if not np.isfinite(self.scores).all():
            wrong = int((~np.isfinite(self.scores)).sum())
            raise FeatureError(expected(where, "finite scores", f"{wrong} NaN or infinite"))


@dataclass(frozen=True)
class Chosen:
    """Patches of several slides.

    Args:
        slide: ``[M]`` int64, place of the slide in the list that was mined.
        patch: ``[M]`` int64, row of the patch in its slide.

    The rows are sorted by slide, then by patch; no patch stands twice.
    """

    slide: np.ndarray
    patch: np.ndarray

    def __len__(self) -> int:
        return len(self.slide)

    @classmethod
    def of_rows(cls, rows: Sequence[np.ndarray], places: Sequence[int]) -> Chosen:
        """Join sorted rows of the slides at ``places``.

        Args:
            rows: ``[n]`` int per slide.
            places: Where each slide stands in the list that was mined.
        """
        if not rows:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))
        slide = np.repeat(np.asarray(places, np.int64), [len(mine) for mine in rows])
        patch = np.concatenate(rows).astype(np.int64)
        order = np.lexsort((patch, slide))
        return cls(slide[order], patch[order])

    @classmethod
    def joined(cls, parts: Sequence[Chosen]) -> Chosen:
        """The patches of several choices that share none."""
        slide = np.concatenate([part.slide for part in parts])
        patch = np.concatenate([part.patch for part in parts])
        order = np.lexsort((patch, slide))
        return cls(slide[order], patch[order])


def check_slides(slides: Sequence[ScoredSlide]) -> None:
    """Refuse a list that names a slide twice.

    Raises: CohortError: naming the first such slide.
    """
    seen: set[str] = set()
    for slide in slides:
        if slide.slide_id in seen:
            raise CohortError(expected("Mining", "each slide once", f"'{slide.slide_id}' more often"))
        seen.add(slide.slide_id)
