"""Pen and blur are flagged where they are and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from wsigraph.data.box import Box
from wsigraph.data.slide_info import Level, SlideInfo
from wsigraph.io.slides import open_slide, read_overview
from wsigraph.patches.overview import Overview
from wsigraph.patches.quality import find_pen, flag_patches
from wsigraph.patches.tiling import Tiling, tile

HAEMATOXYLIN, EOSIN, NAVY = (90, 70, 150), (230, 130, 180), (60, 60, 125)


def tissue_picture(side=400):
    rng = np.random.default_rng(0)
    grain = np.zeros((side, side))
    for scale, strength in ((0.7, 30), (2.0, 15), (5.0, 15)):  # detail of several sizes, as tissue has
        noise = gaussian_filter(rng.normal(size=(side, side)), scale)
        grain += strength * noise / noise.std()
    return np.clip(np.array([190, 120, 185]) + grain[..., None], 0, 255).astype(np.uint8)


def flagged(image):
    side = len(image)
    info = SlideInfo("S", "", (Level(side * 4, side * 4, 1.0),), 1.0, Box(0, 0, side * 4, side * 4), "test")
    patches = tile(info, np.ones((side, side), bool), Tiling(160, 1.0))
    return flag_patches(patches, Overview(image, info.bounds))


@pytest.mark.parametrize("ink", [(20, 150, 60), (20, 70, 200), (10, 130, 140), (15, 15, 15)])
def test_ink_is_flagged_where_it_is(ink):
    image = tissue_picture()
    image[:80] = ink
    flags = flagged(image).flags["pen"].reshape(10, 10)
    assert flags[:2].all()
    assert not flags[2:].any()


@pytest.mark.parametrize(
    "colour", [HAEMATOXYLIN, EOSIN, NAVY, (150, 40, 60), (255, 255, 255), (225, 205, 228)]
)
def test_stain_is_not_ink(colour):
    assert not find_pen(np.full((4, 4, 3), colour, np.uint8)).any()


@pytest.mark.parametrize("sigma", [1.5, 2.5, 4.0])
def test_blur_is_flagged_where_it_is(sigma):
    image = tissue_picture()
    image[:, :120] = gaussian_filter(image.astype(float), (sigma, sigma, 0))[:, :120].astype(np.uint8)
    flags = flagged(image).flags["blur"].reshape(10, 10)
    assert flags[:, :2].all()
    assert not flags[:, 3:].any()  # column 2 touches the sharp part


def test_pale_tissue_and_half_empty_patches_are_not_blurred():
    image = tissue_picture().astype(float)
    image[:200] = 255 - (255 - image[:200]) * 0.4  # paler
    image[:, 180:220] = 245  # glass up to the middle of patches
    assert not flagged(image.astype(np.uint8)).flags["blur"].any()


@pytest.mark.real
def test_real_ink_is_flagged_and_real_sections_are_clean(real_data):
    with open_slide(real_data / "crchisto/images/img62.png", slide_mpp=0.55) as reader:
        overview = read_overview(reader, downsample=1)
        patches = tile(reader.info, np.ones((500, 500), bool), Tiling(32, 0.55), box=overview.box)
    assert 20 < flag_patches(patches, overview).flags["pen"].sum() < 60  # one blue smear
    with open_slide(real_data / "slides_he/her2st_B4.tiff") as reader:
        overview = read_overview(reader, downsample=8.2)
        everything = np.ones(overview.image.shape[:2], bool)
        patches = tile(reader.info, everything, Tiling(256, 0.75), box=overview.box)
    flags = flag_patches(patches, overview).flags
    assert flags["pen"].sum() <= 2


@pytest.mark.real
def test_dark_keratin_is_not_ink_in_small_patches(real_data):
    with open_slide(real_data / "slides/CMU-1-Small-Region.svs") as reader:
        overview = read_overview(reader, downsample=2)
        everything = np.ones(overview.image.shape[:2], bool)
        patches = tile(reader.info, everything, Tiling(64, 0.5), box=overview.box)
    assert flag_patches(patches, overview).flags["pen"].sum() <= 0.01 * len(patches)
