"""A number per patch, laid over the slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.errors import GraphError, expected


@dataclass(frozen=True)
class Heatmap:
    """Values of the patches of one slide, ready to draw or export.

    Args:
        slide_id: Name of the slide.
        values: ``[N]`` float, what is shown (see ``meaning``).
        raw: ``[N]`` float, the same before rescaling for display.
        coords: ``[N, 2]`` top-left corners (x, y).
        patch_size: Side of a patch.
        mpp: Microns per level-0 pixel, NaN where unknown.
        meaning: What the colours are, one line for the legend.
        limits: Values of the first and last colour; None takes those of ``values``.

    Units: level-0 pixels for coords and patch_size.
    Raises: GraphError: if lengths disagree.
    """

    slide_id: str
    values: np.ndarray
    raw: np.ndarray
    coords: np.ndarray
    patch_size: float
    mpp: float
    meaning: str
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.coords.shape != (len(self.values), 2) or len(self.raw) != len(self.values):
            raise GraphError(
                expected(
                    f"Heatmap '{self.slide_id}'",
                    f"coords of shape [{len(self.values)}, 2] and as many raw values",
                    f"{list(self.coords.shape)} and {len(self.raw)}",
                )
            )
