"""Flags for patches that a person should look at: pen marks and blur. Flagged, never dropped."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage
from skimage.color import rgb2hsv

from wsigraph.data.patches import Patches
from wsigraph.patches.overview import Overview
from wsigraph.patches.tiling import area_share

PEN_SHARE = 0.1
STROKE_UM = 5.0
BLUR_RATIO = 0.2


def flag_patches(patches: Patches, overview: Overview) -> Patches:
    """The same patches with the flags ``pen`` and ``blur``.

    ``pen``: more than a tenth of the patch is ink (see :func:`find_pen`) in strokes of at least 5 um; thinner
    dark lines are folds, keratin or crowded nuclei. ``blur``: its sharpness (see
    :func:`sharpness`) is under a fifth of the slide's median. Both are seen on the overview, so blur finer
    than about two of its pixels, and a slide that is blurred all over, go unseen.
    """
    width_px = max(1, round(STROKE_UM / (overview.downsample * patches.mpp)))
    strokes = ndimage.binary_opening(find_pen(overview.image), np.ones((width_px, width_px)))
    pen = area_share(strokes, patches.coords, patches.patch_size_level0, box=overview.box)
    sharp = sharpness(patches, overview)
    typical = float(np.nanmedian(sharp)) if np.isfinite(sharp).any() else 0.0
    flags = {"pen": pen > PEN_SHARE, "blur": np.nan_to_num(sharp, nan=np.inf) < BLUR_RATIO * typical}
    return dataclasses.replace(patches, flags={**patches.flags, **flags})


def find_pen(image: np.ndarray) -> np.ndarray:
    """Mask pixels of ink: saturated green, cyan and blue, which H&E never shows, and neutral black.

    Red ink cannot be told from eosin by colour and goes unseen.

    Args:
        image: ``[H, W, 3]`` uint8 RGB.
    """
    red, green, blue = (image[..., channel] for channel in range(3))
    brightest = np.maximum(np.maximum(red, green), blue)
    ink = brightest < 50
    cold = (red < 0.7 * brightest) & ~ink  # only where red is weak can the hue be green or blue
    hsv = rgb2hsv(image[cold][None])[0]
    hue, saturation = hsv[:, 0] * 360, hsv[:, 1]
    ink[cold] = (hue > 75) & (hue < 225) & (saturation > 0.3)
    return ink


def sharpness(patches: Patches, overview: Overview) -> np.ndarray:
    """Energy of the Laplacian over the energy of coarser detail, per patch.

    Coarser detail is what a Gaussian of 3 px takes away, so pale and dark tissue, and patches that are half
    glass, are alike. Patches with next to no detail (energy under 0.00002) give NaN: nothing in them could be
    sharp.

    Shape: ``[N]`` float64.
    Source: Pech-Pacheco et al. 2000 (variance of the Laplacian). Differs: relative to coarser detail.
    """
    grey = overview.image.astype(np.float32) @ np.full(3, 1 / 765, np.float32)
    laplacian = ndimage.laplace(grey)
    detail = grey - ndimage.gaussian_filter(grey, 3)
    fine, coarse = (
        area_share(values**2, patches.coords, patches.patch_size_level0, box=overview.box)
        for values in (laplacian, detail)
    )
    return np.where(coarse > 2e-5, fine / np.maximum(coarse, 2e-5), np.nan)
