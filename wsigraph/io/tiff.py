"""Writes pyramidal TIFFs that OpenSlide opens, without a codec beyond zlib."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from wsigraph.errors import SlideError, expected
from wsigraph.io.atomic import atomic_path

TILE = 256


def write_pyramid(path: str | Path, image: np.ndarray, *, mpp: float, description: str = "") -> None:
    """Write ``image`` as a tiled, losslessly compressed pyramid, each level half the one before.

    The resolution tags are in centimetres, so OpenSlide reports ``mpp`` (72-dpi tags in inches are how
    false values come about).

    Args:
        path: The file, usually ``.tif``; written atomically.
        image: ``[height, width, 3]`` uint8 RGB.
        mpp: Microns per pixel of ``image``.
        description: Text for the image description tag.

    Units: um/px for mpp.
    Raises: SlideError: if the image is not RGB of 8 bits, is empty, or mpp is not positive.
    """
    where = f"Pyramid '{Path(path).name}'"
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise SlideError(
            expected(where, "uint8 of shape [height, width, 3]", f"{image.dtype} {list(image.shape)}")
        )
    if not (math.isfinite(mpp) and mpp > 0):
        raise SlideError(expected(where, "a positive mpp", f"{mpp}"))
    levels = list(_levels(image))
    with atomic_path(path, verify=lambda written: _verify(written, len(levels))) as temporary:
        _write_levels(temporary, levels, mpp=mpp, description=description)


def _write_levels(path: Path, levels: list[np.ndarray], *, mpp: float, description: str) -> None:
    with tifffile.TiffWriter(path) as tiff:
        for number, level in enumerate(levels):
            per_cm = 1e4 / (mpp * levels[0].shape[1] / level.shape[1])
            tiff.write(
                level,
                tile=(TILE, TILE),
                photometric="rgb",
                compression="deflate",
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
                subfiletype=int(number > 0),
                description=description if number == 0 else None,
                software="wsigraph",
                metadata=None,
            )


def _levels(image: np.ndarray) -> Iterator[np.ndarray]:
    yield image
    while max(image.shape[:2]) > 2 * TILE:
        image = _halved(image)
        yield image


def _halved(image: np.ndarray) -> np.ndarray:
    """Mean of each 2 x 2 block; an odd last row or column is repeated."""
    height, width = image.shape[:2]
    even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 3)
    return ((blocks.sum(axis=(1, 3), dtype=np.uint16) + 2) // 4).astype(np.uint8)


def _verify(path: Path, levels: int) -> None:
    with tifffile.TiffFile(path) as tiff:
        if len(tiff.pages) != levels:
            raise SlideError(expected(f"Pyramid '{path.name}'", f"{levels} levels", f"{len(tiff.pages)}"))
