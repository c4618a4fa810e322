"""Where on a slide there is tissue, from a low-resolution picture of it."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from skimage.morphology import remove_small_holes, remove_small_objects

TEXTURE = 0.03
"""Local standard deviation (of green, 0..1) that glass, faint dots and stain haze stay under."""
STAIN = 0.2
"""How much darker than glass an even, coloured area must be to count as tissue without any texture."""
WINDOW_UM = 16.0
SMALL_UM = 50.0


def find_tissue(image: np.ndarray, mpp: float) -> np.ndarray:
    """Mask the tissue of a bright-field slide.

    Tissue is where green light (which both haematoxylin and eosin absorb) varies within a window of
    16 um, or where it is evenly absorbed in colour. Texture does not care what colour the
    glass has, so a purple background or a stain haze is no tissue, and no threshold is drawn between two
    halves of the picture, so a picture that is all tissue stays whole.

    Args:
        image: ``[H, W, 3]`` uint8 RGB overview.
        mpp: Microns per pixel of the overview.

    Shape: mask ``[H, W]`` bool; all False for a slide that is not bright-field (fluorescence).
    Units: um/px for ``mpp``.
    """
    pixels = image.astype(np.float32) / 255.0
    red, green, blue = (pixels[..., channel] for channel in range(3))
    brightest = np.maximum(np.maximum(red, green), blue)
    if not _is_bright_field(brightest):
        return np.zeros(image.shape[:2], dtype=bool)
    window = max(7, round(WINDOW_UM / mpp) | 1)
    level = _level_the_glass(image, green, brightest, window)
    glass = float(level.max())
    mean, deviation = _local_moments(level, window)
    saturation = brightest - np.minimum(np.minimum(red, green), blue)
    stained = (mean < glass - STAIN) & (saturation > 0.06) & (brightest > 0.2)
    return _tidy((deviation > TEXTURE) | stained, mpp)


def _is_bright_field(brightest: np.ndarray) -> bool:
    unlit = float((brightest < 0.2).mean())
    return unlit < 0.5 and float(np.percentile(brightest, 95)) > 0.55


def _level_the_glass(image: np.ndarray, green: np.ndarray, brightest: np.ndarray, window: int) -> np.ndarray:
    """Green with filler set to the glass's value, so that the scanned area's outline is no texture."""
    total = image.sum(axis=2, dtype=np.uint16)
    white, black = total == 765, total == 0
    black &= black.mean() > 0.01
    _, deviation = _local_moments(green, window)
    glass = (deviation < 0.012) & (brightest > 0.7) & ~white
    value = float(np.median(green[glass])) if glass.mean() > 0.005 else 1.0
    return np.minimum(np.where(black, value, green), value)


def _local_moments(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    mean = ndimage.uniform_filter(values.astype(np.float64), window)
    square = ndimage.uniform_filter(values.astype(np.float64) ** 2, window)
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _tidy(mask: np.ndarray, mpp: float) -> np.ndarray:
    """Drop dust and fill lumina; a small picture has small things in it, so the limit shrinks with it."""
    area = min((SMALL_UM / mpp) ** 2, mask.size / 1000)
    largest = max(0, math.floor(area))
    mask = remove_small_objects(mask, max_size=largest)
    return remove_small_holes(mask, max_size=largest)
