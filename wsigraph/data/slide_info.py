"""Facts about one slide, apart from its file handle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wsigraph.data.box import Box


@dataclass(frozen=True)
class Level:
    """One resolution of the pyramid.

    Args:
        width: Pixels along x at this level.
        height: Pixels along y at this level.
        downsample: Level-0 pixels per pixel of this level, >= 1.
    """

    width: int
    height: int
    downsample: float


@dataclass(frozen=True)
class SlideInfo:
    """What the rest of the house may know of a slide.

    Args:
        slide_id: Name of the slide, safe as a file name.
        path: Where it was read from, as text.
        levels: The pyramid, finest first.
        mpp: Microns per level-0 pixel, NaN where unknown.
        bounds: The scanned area in level-0 pixels.
        vendor: Format as its reader calls it.
        magnification: Objective power as written in the file, NaN where unknown; never computed with.
    """

    slide_id: str
    path: str
    levels: tuple[Level, ...]
    mpp: float
    bounds: Box
    vendor: str
    magnification: float = math.nan

    @property
    def width(self) -> int:
        """Level-0 pixels along x."""
        return self.levels[0].width

    @property
    def height(self) -> int:
        """Level-0 pixels along y."""
        return self.levels[0].height
