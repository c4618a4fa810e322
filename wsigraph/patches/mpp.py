"""Microns per pixel: never guessed, and refused where they cannot be true."""

from __future__ import annotations

import math

from wsigraph.data.slide_info import SlideInfo
from wsigraph.errors import MppError, expected

LOWEST, HIGHEST = 0.05, 10.0
ADVICE = "Give the slide's own resolution with --slide-mpp (or --slide-mpp-csv for many slides)."


def check_mpp(info: SlideInfo) -> float:
    """The slide's microns per level-0 pixel.

    Raises: MppError: if they are missing, or outside what a microscope gives (0.05 to 10 um/px), as when
        a false value comes from a 72-dpi tag.
    Units: um/px.
    """
    where = f"Slide '{info.slide_id}'"
    if math.isnan(info.mpp):
        raise MppError(expected(where, "microns per pixel in the file", "none", todo=ADVICE))
    if not LOWEST <= info.mpp <= HIGHEST:
        what = f"microns per pixel between {LOWEST} and {HIGHEST:g}"
        raise MppError(expected(where, what, f"{info.mpp:g}", todo=ADVICE))
    return info.mpp
