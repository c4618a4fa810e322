"""Patches whose places a feature file knows, to be read from their slide again."""

from __future__ import annotations

import math

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.patches import Patches
from wsigraph.data.slide_info import SlideInfo
from wsigraph.errors import TilingError, expected
from wsigraph.patches.tiling import AS_IS


def patches_at(info: SlideInfo, features: PatchFeatures) -> Patches:
    """The patches that were encoded, at the level that shows them best.

    That is the coarsest level that is at most 5 % coarser than the patches; what is finer is resampled.

    Args:
        info: The slide.
        features: Knows corners, size on the slide and size as encoded.

    Units: level-0 pixels.
    Raises: TilingError: if the features do not say how large their patches are.
    """
    size, px = features.patch_size_level0, features.patch_px
    if not (math.isfinite(size) and size >= 1 and px >= 1):
        got = f"patch_size_level0 {size}, patch_px {px}"
        todo = "Encode the slide with wsigraph encode, or read features of a layout that says it."
        raise TilingError(
            expected(f"Features of '{features.slide_id}'", "sizes of the patches", got, todo=todo)
        )
    scale = size / px
    fine = [n for n, level in enumerate(info.levels) if level.downsample <= scale * (1 + AS_IS)]
    level = fine[-1] if fine else 0
    exact = size / info.levels[level].downsample
    read_px = px if abs(exact / px - 1) <= AS_IS else max(1, round(exact))
    step = features.step_level0
    return Patches(
        slide_id=features.slide_id,
        coords=features.coords,
        patch_px=px,
        patch_size_level0=round(size),
        step_level0=round(step) if math.isfinite(step) else 0,
        read_level=level,
        read_px=read_px,
        mpp=features.mpp,
        target_mpp=features.target_mpp,
        tissue=np.ones(len(features), np.float32),
    )
