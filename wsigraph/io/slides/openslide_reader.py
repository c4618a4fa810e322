"""Slides through OpenSlide."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openslide
from openslide.lowlevel import OpenSlideError
from PIL import Image

from wsigraph.data.box import Box
from wsigraph.data.slide_info import Level, SlideInfo
from wsigraph.errors import MppError, SlideError, expected
from wsigraph.io.slides.base import SlideReader
from wsigraph.patches.mpp import ADVICE


class OpenSlideReader(SlideReader):
    """A slide in any format that OpenSlide reads.

    A handle that raised once is dead, even for regions that are whole: it is dropped, and the next read opens
    the file again.

    Args:
        path: The file.
        slide_id: Name of the slide.
        slide_mpp: Microns per level-0 pixel; overrides the file.

    Raises:
        SlideError: if OpenSlide cannot open the file; the message holds its reason.
        MppError: if the file gives pixels that are not square.
    """

    def __init__(self, path: Path, slide_id: str, *, slide_mpp: float | None = None) -> None:
        self._path = path
        self._where = f"Slide '{slide_id}'"
        self._handle: openslide.OpenSlide | None = None
        slide = self._open()
        try:
            self.info = _describe(slide, path, slide_id, slide_mpp)
            self._background = _background(slide.properties)
        except BaseException:
            self.close()
            raise

    def _open(self) -> openslide.OpenSlide:
        if self._handle is None:
            try:
                self._handle = openslide.OpenSlide(self._path)
            except OpenSlideError as error:
                raise SlideError(
                    expected(self._where, f"a whole slide in {self._path.name}", f"'{error}' from OpenSlide")
                ) from error
        return self._handle

    def read_region(self, x: int, y: int, *, level: int, width: int, height: int) -> np.ndarray:
        """See :meth:`SlideReader.read_region`."""
        try:
            image = self._open().read_region((x, y), level, (width, height))
        except OpenSlideError as error:
            self.close()
            raise SlideError(
                expected(
                    self._where,
                    f"{width} x {height} pixels of level {level} at ({x}, {y})",
                    f"'{error}' from OpenSlide",
                    todo="The file is damaged or incomplete; other levels may still be readable.",
                )
            ) from error
        return self._flatten(image)

    def _flatten(self, image: Image.Image) -> np.ndarray:
        alpha = image.getchannel("A")
        if alpha.getextrema()[0] == 255:
            return np.asarray(image.convert("RGB"))
        flat = Image.new("RGB", image.size, self._background)
        flat.paste(image.convert("RGB"), mask=alpha)
        return np.asarray(flat)

    def close(self) -> None:
        """See :meth:`SlideReader.close`."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def _describe(slide: openslide.OpenSlide, path: Path, slide_id: str, slide_mpp: float | None) -> SlideInfo:
    said = slide.properties
    sizes = zip(slide.level_dimensions, slide.level_downsamples, strict=True)
    levels = tuple(Level(width, height, max(1.0, downsample)) for (width, height), downsample in sizes)
    return SlideInfo(
        slide_id=slide_id,
        path=str(path),
        levels=levels,
        mpp=_mpp(said, slide_id) if slide_mpp is None else slide_mpp,
        bounds=_bounds(said, levels[0]),
        vendor=said.get("openslide.vendor", ""),
        magnification=_number(said, "openslide.objective-power"),
    )


def _bounds(said: Mapping[str, str], level: Level) -> Box:
    x, y, width, height = (
        _number(said, f"openslide.bounds-{side}") for side in ("x", "y", "width", "height")
    )
    left = 0.0 if math.isnan(x) else max(0.0, x)
    top = 0.0 if math.isnan(y) else max(0.0, y)
    right = level.width if math.isnan(width) else min(level.width, left + width)
    bottom = level.height if math.isnan(height) else min(level.height, top + height)
    return Box(left, top, right - left, bottom - top)


def _mpp(said: Mapping[str, str], slide_id: str) -> float:
    along_x, along_y = _number(said, "openslide.mpp-x"), _number(said, "openslide.mpp-y")
    if math.isnan(along_x) or math.isnan(along_y):
        return math.nan
    if along_x <= 0 or along_y <= 0 or abs(along_x / along_y - 1) > 0.05:
        got = f"{along_x:g} um/px along x and {along_y:g} along y"
        raise MppError(expected(f"Slide '{slide_id}'", "square pixels", got, todo=ADVICE))
    return math.sqrt(along_x * along_y)


def _number(said: Mapping[str, str], key: str) -> float:
    try:
        return float(said.get(key, "nan"))
    except ValueError:
        return math.nan


def _background(said: Mapping[str, str]) -> tuple[int, int, int]:
    try:
        red, green, blue = bytes.fromhex(said.get("openslide.background-color", "ffffff"))
    except ValueError:
        return 255, 255, 255
    return red, green, blue
