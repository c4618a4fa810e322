"""The lattice: sizes told apart, one lattice, exact tissue shares, clear refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.data.box import Box
from wsigraph.data.slide_info import Level, SlideInfo
from wsigraph.errors import MppError, TilingError
from wsigraph.patches.tiling import Tiling, area_share, fit, tile


def slide(mpp=0.25, size=(4000, 3000), downsamples=(1, 4, 16), bounds=None) -> SlideInfo:
    levels = tuple(Level(round(size[0] / d), round(size[1] / d), d) for d in downsamples)
    return SlideInfo("S", "S.svs", levels, mpp, bounds or Box(0, 0, *size), "test")


def everywhere() -> np.ndarray:
    return np.ones((30, 40), bool)


def test_requested_read_and_level0_sizes_as_in_the_worked_example():
    geometry = fit(slide(), Tiling(patch_px=256, mpp=0.5))
    assert (geometry.read_level, geometry.read_px, geometry.patch_size_level0) == (0, 512, 512)
    assert geometry.target_mpp == 0.5


@pytest.mark.parametrize(
    ("mpp", "level", "read_px", "size"),
    [
        (0.25, 0, 256, 256),  # level 0 as it is
        (1.0, 1, 256, 1024),  # level 1 as it is
        (1.04, 1, 256, 1024),  # within 5 %: not resampled, the true mpp is recorded
        (1.06, 1, 271, 1085),  # beyond 5 %: resampled from the next finer level
        (0.94, 0, 963, 963),
        (8.0, 2, 512, 8192),
    ],
)
def test_the_best_level(mpp, level, read_px, size):
    geometry = fit(slide(), Tiling(patch_px=256, mpp=mpp))
    assert (geometry.read_level, geometry.read_px, geometry.patch_size_level0) == (level, read_px, size)
    assert geometry.target_mpp == pytest.approx(size * 0.25 / 256)


def test_the_same_tissue_has_the_same_patches_at_20x_and_40x():
    at_40x = tile(slide(0.25, (4096, 4096)), everywhere(), Tiling(256, 0.5))
    at_20x = tile(slide(0.5, (2048, 2048)), everywhere(), Tiling(256, 0.5))
    np.testing.assert_array_equal(at_40x.coords, 2 * at_20x.coords)
    assert at_40x.step_level0 == 2 * at_20x.step_level0


def test_finer_than_the_slide_is_refused_unless_asked_for():
    with pytest.raises(
        TilingError, match=r"Slide 'S': expected a level of 0.1 um/px or finer, got 0.25 um/px at level 0"
    ):
        fit(slide(), Tiling(mpp=0.1))
    geometry = fit(slide(), Tiling(mpp=0.125, allow_upsampling=True))
    assert (geometry.read_level, geometry.read_px, geometry.target_mpp) == (0, 128, 0.125)


@pytest.mark.parametrize(("mpp", "got"), [(math.nan, "none"), (352.78, "352.78"), (0.0, "0"), (-1.0, "-1")])
def test_missing_and_impossible_mpp_name_the_option(mpp, got):
    with pytest.raises(MppError, match=rf"Slide 'S': expected microns per pixel.*, got {got}\..*--slide-mpp"):
        fit(slide(mpp), Tiling())


@settings(max_examples=40, deadline=None)
@given(
    patch_px=st.integers(8, 300),
    mpp=st.floats(0.25, 4),
    overlap=st.floats(0, 0.9),
    corner=st.tuples(st.integers(0, 500), st.integers(0, 500)),
    seed=st.integers(0, 99),
)
def test_patches_are_on_one_lattice_and_inside_the_bounds(patch_px, mpp, overlap, corner, seed):
    left, top = corner
    info = slide(0.25, bounds=Box(left, top, 3400, 2400))
    mask = np.random.default_rng(seed).random((24, 34)) < 0.7
    tiling = Tiling(patch_px, mpp, overlap_px=int(overlap * patch_px), min_tissue=0.4)
    try:
        patches = tile(info, mask, tiling)
    except TilingError:
        return
    offset = patches.coords - [left, top]
    assert patches.coords.dtype == np.int64
    assert (offset % patches.step_level0 == 0).all()
    assert (offset >= 0).all()
    assert (offset + patches.patch_size_level0 <= [3400, 2400]).all()
    assert len(np.unique(patches.coords, axis=0)) == len(patches)
    assert (patches.tissue >= 0.4 - 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(x=st.integers(-10, 90), y=st.integers(-10, 70), side=st.integers(1, 60), seed=st.integers(0, 99))
def test_tissue_share_equals_a_count_of_pixels(x, y, side, seed):
    mask = np.random.default_rng(seed).random((7, 9)) < 0.5
    fine = mask.repeat(10, axis=0).repeat(10, axis=1)  # level-0 pixels, ten to one of the mask
    covered = fine[max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)]
    count = covered.sum() / max(1, covered.size)
    got = area_share(mask, np.array([[x, y]]), side, box=Box(0, 0, 90, 70))
    if x >= 0 and y >= 0 and x + side <= 90 and y + side <= 70:
        np.testing.assert_allclose(got, count, atol=1e-9)
    assert 0 <= got[0] <= 1


def test_min_tissue_zero_keeps_the_whole_lattice_and_small_shares_go_otherwise():
    mask = np.zeros((30, 40), bool)
    mask[:10] = True
    assert len(tile(slide(), mask, Tiling(250, 0.5, min_tissue=0))) == 8 * 6
    assert len(tile(slide(), mask, Tiling(250, 0.5, min_tissue=1))) == 8 * 2


def test_refusals_name_the_slide_and_the_numbers():
    with pytest.raises(TilingError, match="Slide 'S': expected tissue, got no tissue found"):
        tile(slide(), np.zeros((3, 4), bool), Tiling())
    with pytest.raises(
        TilingError, match=r"one patch of 8192 x 8192 level-0 pixels, got a slide of 4000 x 3000"
    ):
        tile(slide(), everywhere(), Tiling(256, 8.0))
    speck = np.zeros((30, 40), bool)
    speck[3, 3] = True
    with pytest.raises(TilingError, match=r"at least 0.25 tissue, got .* in any of 35 patches"):
        tile(slide(), speck, Tiling(256, 0.5))
    for wrong in ({"patch_px": 0}, {"mpp": 0}, {"overlap_px": 256}, {"overlap_px": -1}, {"min_tissue": 1.5}):
        with pytest.raises(TilingError, match="Tiling: expected"):
            Tiling(**wrong)
