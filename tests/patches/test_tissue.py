"""Tissue on pictures whose truth is known, and on real sections against the spots that lie on tissue."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from wsigraph.errors import TilingError
from wsigraph.io.slides import open_slide, read_overview
from wsigraph.patches.tiling import Tiling, tile
from wsigraph.patches.tissue import find_tissue
from wsigraph.synthetic.slides import render_slide


def section(background, seed=0, size=400):
    """A disc of speckled H&E on glass of a colour; the truth beside it."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[:size, :size]
    truth = (xs - size / 2) ** 2 + (ys - size / 2) ** 2 < (size / 4) ** 2
    speckle = gaussian_filter(rng.normal(size=(size, size)), 1)[..., None] * 120
    image = np.where(truth[..., None], np.array([190, 110, 180]) + speckle, np.array(background))
    noise = rng.normal(scale=1.5, size=image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), truth


@pytest.mark.parametrize("background", [(255, 255, 255), (243, 243, 243), (222, 205, 228), (240, 205, 225)])
def test_glass_of_any_colour_is_no_tissue(background):
    image, truth = section(background)
    mask = find_tissue(image, 8.0)
    assert mask[truth].mean() > 0.98
    assert mask[~truth].mean() < 0.06  # the rim, half a window wide


def test_stain_haze_and_faint_dots_are_no_tissue():
    image, truth = section((222, 205, 228))
    ys, xs = np.mgrid[:400, :400]
    haze = 25 * np.exp(-((xs - 60) ** 2 + (ys - 60) ** 2) / 60**2)
    dots = 5 * ((xs % 20 - 10) ** 2 + (ys % 20 - 10) ** 2 < 25)
    image = np.clip(image - (haze + dots)[..., None] * [0, 1, 0.3], 0, 255).astype(np.uint8)
    assert find_tissue(image, 8.0)[~truth].mean() < 0.06


def test_a_picture_that_is_all_tissue_stays_whole():
    image = section((0, 0, 0), size=800)[0][260:540, 260:540]
    assert find_tissue(image, 0.5).mean() > 0.99


def test_even_stain_without_texture_is_tissue_but_even_glass_is_not():
    image = np.full((200, 200, 3), 240, np.uint8)
    image[60:140, 60:140] = (200, 120, 180)
    mask = find_tissue(image, 8.0)
    assert mask[70:130, 70:130].all()
    assert not mask[:40].any()
    assert not find_tissue(np.full((50, 50, 3), 240, np.uint8), 8.0).any()


def test_the_outline_of_the_scanned_area_is_no_tissue():
    image, truth = section((235, 232, 236))
    image[:90] = 255
    image[:, :70] = 255
    assert find_tissue(image, 8.0)[~truth].mean() < 0.06


def test_synthetic_slides_keep_their_tissue_cells():
    slide = render_slide(0, label="clustered")
    image = slide.image[::4, ::4]
    mask = find_tissue(image, slide.mpp * 4)
    cell = len(image) // len(slide.tissue)
    share = mask.reshape(len(slide.tissue), cell, len(slide.tissue), cell).mean(axis=(1, 3))
    assert (share[slide.tissue] > 0.9).all()
    assert share[~slide.tissue].mean() < 0.2  # rims, and glass enclosed by tissue


def test_fluorescence_gives_nothing():
    rng = np.random.default_rng(0)
    image = np.zeros((300, 300, 3), np.uint8)
    image[..., 2] = np.clip(gaussian_filter(rng.normal(size=(300, 300)), 2) * 900, 0, 255)
    assert not find_tissue(image, 4.0).any()


def test_a_turned_picture_has_a_turned_mask():
    image, _ = section((222, 205, 228))
    image = image[:, :300]
    np.testing.assert_array_equal(find_tissue(np.rot90(image), 8.0), np.rot90(find_tissue(image, 8.0)))


@pytest.mark.real
@pytest.mark.parametrize("name", ["B4", "C2"])
@pytest.mark.parametrize(
    "tiling", [Tiling(256, 0.75), Tiling(224, 0.75), Tiling(256, 1.0), Tiling(512, 0.75)]
)
def test_real_sections_cover_their_spots_and_little_glass(real_data, name, tiling):
    with (real_data / f"slides_he/{name}_selection.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["selected"] == "1"]
    spots = np.array([[float(row["pixel_x"]), float(row["pixel_y"])] for row in rows])
    with open_slide(real_data / f"slides_he/her2st_{name}.tiff") as reader:
        overview = read_overview(reader, downsample=8.2)
        mask = find_tissue(overview.image, overview.downsample * reader.info.mpp)
        patches = tile(reader.info, mask, tiling, box=overview.box)
    side = patches.patch_size_level0
    inside = [((s >= patches.coords) & (s < patches.coords + side)).all(axis=1).any() for s in spots]
    far = cKDTree(spots).query(patches.coords + side / 2)[0] > 280
    assert np.mean(inside) >= 0.95
    assert np.mean(far) <= 0.10


@pytest.mark.real
def test_images_full_of_tissue_keep_their_patches(real_data):
    kept = {}
    for number in (14, 23, 25, 8, 76):
        with open_slide(real_data / f"crchisto/images/img{number}.png", slide_mpp=0.55) as reader:
            overview = read_overview(reader, downsample=1)
            mask = find_tissue(overview.image, 0.55)
            kept[number] = len(tile(reader.info, mask, Tiling(32, 0.55), box=overview.box))
    assert all(kept[number] >= 215 for number in (14, 23, 25, 8))
    assert kept[76] <= 10  # white but for one nucleus in a corner


@pytest.mark.real
def test_a_real_fluorescence_slide_finds_nothing(real_data):
    with open_slide(real_data / "slides/test3-DAPI-2-387.ndpi") as reader:
        overview = read_overview(reader, downsample=16)
        mask = find_tissue(overview.image, overview.downsample * reader.info.mpp)
        with pytest.raises(TilingError, match="no tissue found"):
            tile(reader.info, mask, Tiling(), box=overview.box)
