"""Pixels of patches and of the whole slide, at the size asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

from wsigraph.data.box import Box
from wsigraph.data.patches import Patches
from wsigraph.io.slides.base import SlideReader
from wsigraph.patches.overview import Overview

_BLOCK = 4096


def read_patches(reader: SlideReader, patches: Patches, *, batch_size: int = 64) -> Iterator[np.ndarray]:
    """Read the patches in order, resampled to ``patch_px`` by pixel area.

    Shape: batches ``[B, patch_px, patch_px, 3]`` uint8 RGB, B = ``batch_size`` but for the last.
    Raises: SlideError: naming slide and level, if a patch cannot be read.
    """
    side = patches.patch_px
    for start in range(0, len(patches), batch_size):
        corners = patches.coords[start : start + batch_size]
        batch = np.empty((len(corners), side, side, 3), np.uint8)
        for row, (x, y) in enumerate(corners.tolist()):
            pixels = reader.read_region(
                x, y, level=patches.read_level, width=patches.read_px, height=patches.read_px
            )
            batch[row] = resample(pixels, side, side)
        yield batch


def resample(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize by the area each new pixel covers; where the picture grows, bicubically.

    Shape: ``[H, W, 3]`` uint8 -> ``[height, width, 3]`` uint8.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    grows = height > pixels.shape[0] or width > pixels.shape[1]
    how = Image.Resampling.BICUBIC if grows else Image.Resampling.BOX
    return np.asarray(Image.fromarray(pixels).resize((width, height), how))


def read_overview(reader: SlideReader, *, downsample: float) -> Overview:
    """A small picture of the scanned area, read in blocks, so that a slide without a pyramid fits in memory.

    Args:
        reader: The slide.
        downsample: Level-0 pixels per pixel wanted; the picture has this or a little less.

    Raises: SlideError: naming slide and level, if it cannot be read.
    """
    info = reader.info
    downsample = max(1.0, downsample)
    level = max(n for n, item in enumerate(info.levels) if item.downsample <= downsample * 1.01)
    scale = info.levels[level].downsample
    factor = max(1, math.floor(downsample / scale))
    width = max(1, math.ceil(info.bounds.width / scale / factor))
    height = max(1, math.ceil(info.bounds.height / scale / factor))
    image = np.empty((height, width, 3), np.uint8)
    block = max(1, _BLOCK // factor)
    left, top = round(info.bounds.x), round(info.bounds.y)
    for y in range(0, height, block):
        for x in range(0, width, block):
            w, h = min(block, width - x), min(block, height - y)
            x0, y0 = (round(corner + n * factor * scale) for corner, n in ((left, x), (top, y)))
            pixels = reader.read_region(x0, y0, level=level, width=w * factor, height=h * factor)
            image[y : y + h, x : x + w] = resample(pixels, w, h)
    return Overview(image, Box(left, top, width * factor * scale, height * factor * scale))
