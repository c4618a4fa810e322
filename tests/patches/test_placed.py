"""Patches read again by what their feature file says are those that the tiler read."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from wsigraph.data.box import Box
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.slide_info import Level, SlideInfo
from wsigraph.errors import TilingError
from wsigraph.patches.placed import patches_at
from wsigraph.patches.tiling import Tiling, tile

SLIDE = SlideInfo(
    "s",
    "s.tif",
    tuple(Level(4096 // d, 4096 // d, float(d)) for d in (1, 4, 16)),
    0.25,
    Box(0, 0, 4096, 4096),
    "x",
)


def features(patches):
    return PatchFeatures(
        "s",
        np.zeros((len(patches), 2), np.float32),
        patches.coords,
        patch_size_level0=float(patches.patch_size_level0),
        patch_px=patches.patch_px,
        step_level0=float(patches.step_level0),
        mpp=patches.mpp,
        target_mpp=patches.target_mpp,
    )


@pytest.mark.parametrize("mpp", [0.25, 0.255, 0.5, 0.98, 1.0, 1.04, 2.0, 3.0])
@pytest.mark.parametrize("px", [27, 64])
def test_same_level_and_sizes_as_tiled(mpp, px):
    made = tile(SLIDE, np.ones((8, 8), bool), Tiling(patch_px=px, mpp=mpp))
    again = patches_at(SLIDE, features(made))
    for name in (
        "patch_px",
        "patch_size_level0",
        "step_level0",
        "read_level",
        "read_px",
        "mpp",
        "target_mpp",
    ):
        assert getattr(again, name) == getattr(made, name), name
    assert (again.coords == made.coords).all()


def test_given_points_have_no_step_and_finer_patches_are_read_at_level_0():
    made = tile(SLIDE, np.ones((8, 8), bool), Tiling(patch_px=64, mpp=0.25))
    points = replace(features(made), step_level0=math.nan, patch_size_level0=32.0)
    again = patches_at(SLIDE, points)
    assert (again.step_level0, again.read_level, again.read_px) == (0, 0, 32)


@pytest.mark.parametrize("change", [{"patch_px": 0}, {"patch_size_level0": math.nan}])
def test_features_that_do_not_say_their_size_are_refused(change):
    made = features(tile(SLIDE, np.ones((8, 8), bool), Tiling(patch_px=64, mpp=0.25)))
    with pytest.raises(TilingError, match="Features of 's': expected sizes of the patches, got"):
        patches_at(SLIDE, replace(made, **change))
