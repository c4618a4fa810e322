"""Slides and plain pictures: pixels where they belong, facts read, broken files named."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from wsigraph.data.box import Box
from wsigraph.data.patches import Patches
from wsigraph.errors import CohortError, MppError, SlideError
from wsigraph.io.slides import open_slide, read_overview, read_patches, resample, slide_id_of
from wsigraph.io.slides.base import SlideReader
from wsigraph.io.tiff import write_pyramid


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    ys, xs = np.mgrid[:1500, :2100]
    return np.stack([xs // 9, ys // 6, (xs + ys) // 15], axis=2).astype(np.uint8)


def patches_at(coords, *, level, read_px, patch_px) -> Patches:
    coords = np.array(coords, np.int64)
    return Patches("s", coords, patch_px, read_px, 0, level, read_px, 1.0, 1.0, np.ones(len(coords)))


def test_a_pyramid_opens_with_its_facts_and_pixels(tmp_path, picture):
    write_pyramid(tmp_path / "slide.tif", picture, mpp=0.5)
    with open_slide(tmp_path / "slide.tif") as reader:
        info = reader.info
        assert (info.slide_id, info.vendor, info.width, info.height) == ("slide", "generic-tiff", 2100, 1500)
        assert info.mpp == pytest.approx(0.5, rel=1e-4)
        assert len(info.levels) >= 2
        assert info.bounds == Box(0, 0, 2100, 1500)
        for level in (0, 1):
            scale = round(info.levels[level].downsample)
            got = reader.read_region(400, 300, level=level, width=100, height=60)
            assert got.shape == (60, 100, 3)
            truth = picture[300 : 300 + 60 * scale, 400 : 400 + 100 * scale][::scale, ::scale]
            assert np.abs(got.astype(int) - truth).mean() < 4  # JPEG


def test_a_plain_picture_is_exact_and_has_lower_levels(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "p.png", dpi=(72, 72))
    with open_slide(tmp_path / "p.png") as reader:
        assert math.isnan(reader.info.mpp)  # a dpi tag says how to print, not how it was scanned
        assert [level.downsample for level in reader.info.levels] == [1, 4]
        np.testing.assert_array_equal(
            reader.read_region(7, 5, level=0, width=30, height=20), picture[5:25, 7:37]
        )
        mean = picture[400:404, 800:804].reshape(-1, 3).mean(axis=0)
        assert np.abs(reader.read_region(800, 400, level=1, width=1, height=1)[0, 0] - mean).max() <= 1
    with open_slide(tmp_path / "p.png", slide_mpp=0.55) as reader:
        assert reader.info.mpp == 0.55


def test_pixels_beyond_the_edge_are_background(tmp_path, picture):
    Image.fromarray(picture[:100, :100]).save(tmp_path / "p.png")
    write_pyramid(tmp_path / "t.tif", picture[:600, :600], mpp=0.5)
    for name, side in (("p.png", 100), ("t.tif", 600)):
        with open_slide(tmp_path / name) as reader:
            got = reader.read_region(side - 10, -10, level=0, width=30, height=30)
            assert (got[:10] == 255).all()
            assert (got[:, 10:] == 255).all()
            assert (got[10:, :10] != 255).any(axis=2).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L", "P", "CMYK"])
def test_any_8_bit_picture_becomes_rgb_on_white(tmp_path, mode):
    image = Image.new("RGBA", (8, 8), (10, 20, 30, 255))
    if mode in ("RGBA", "LA"):
        image.putpixel((0, 0), (10, 20, 30, 0))
    suffix = "tif" if mode == "CMYK" else "png"
    (image.convert("RGB") if mode in ("P", "CMYK") else image).convert(mode).save(tmp_path / f"p.{suffix}")
    with open_slide(tmp_path / f"p.{suffix}") as reader:
        got = reader.read_region(0, 0, level=0, width=8, height=8)
    assert got.shape == (8, 8, 3)
    assert got.dtype == np.uint8
    assert (got[4, 4] < 60).all()
    assert (got[0, 0] == 255).all() == (mode in ("RGBA", "LA"))


def test_patches_are_resampled_by_area(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "p.png")
    corners = [[0, 0], [512, 256], [1000, 900]]
    with open_slide(tmp_path / "p.png") as reader:
        asked = patches_at(corners, level=0, read_px=64, patch_px=16)
        batches = list(read_patches(reader, asked, batch_size=2))
    assert [len(batch) for batch in batches] == [2, 1]
    for got, (x, y) in zip(np.concatenate(batches), corners, strict=True):
        truth = picture[y : y + 64, x : x + 64].reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
        assert np.abs(got - truth).max() <= 1
    assert resample(np.zeros((16, 16, 3), np.uint8), 64, 32).shape == (32, 64, 3)


class Counting(SlideReader):
    """A slide of one level with bounds, which knows the largest block it gave."""

    def __init__(self, inner: SlideReader, bounds: Box) -> None:
        self.inner, self.largest = inner, 0
        object.__setattr__(inner.info, "bounds", bounds)
        object.__setattr__(inner.info, "levels", inner.info.levels[:1])
        self.info = inner.info

    def read_region(self, x, y, *, level, width, height):
        self.largest = max(self.largest, width * height)
        return self.inner.read_region(x, y, level=level, width=width, height=height)

    def close(self):
        self.inner.close()


def test_the_overview_shows_the_bounds_in_blocks(tmp_path, picture, monkeypatch):
    monkeypatch.setattr("wsigraph.io.slides.pixels._BLOCK", 256)
    Image.fromarray(picture).save(tmp_path / "p.png")
    with Counting(open_slide(tmp_path / "p.png"), Box(200, 100, 1600, 1204)) as reader:
        overview = read_overview(reader, downsample=8.4)
    assert reader.largest <= 256**2
    assert overview.image.shape == (151, 200, 3)
    assert overview.box == Box(200, 100, 1600, 1208)
    assert overview.downsample == 8
    truth = picture[100:1300, 200:1800].reshape(150, 8, 200, 8, 3).mean(axis=(1, 3))
    assert np.abs(overview.image[:150] - truth).max() <= 1


def test_missing_empty_foldered_and_foreign_files_are_named(tmp_path):
    (tmp_path / "empty.svs").touch()
    (tmp_path / "text.svs").write_text("not a slide")
    (tmp_path / "folder.svs").mkdir()
    for name, text in (
        ("gone.svs", r"Slide 'gone': expected a file at .*gone.svs, got none"),
        ("empty.svs", r"Slide 'empty': expected a slide, got an empty file at"),
        ("folder.svs", r"Slide 'folder': expected a slide file, got the folder"),
        ("text.svs", r"Slide 'text': expected a slide or a picture, got text.svs, in no format"),
    ):
        with pytest.raises(SlideError, match=text):
            open_slide(tmp_path / name)


def test_a_cut_picture_and_a_deep_one_are_refused(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        SlideError, match=r"Slide 'cut': expected a whole picture in cut.png, got '.*' from Pillow"
    ):
        open_slide(tmp_path / "cut.png")
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(
        SlideError, match=r"Slide 'deep': expected a picture of 8 bits per channel, got mode I;16"
    ):
        open_slide(tmp_path / "deep.png")


def test_a_picture_too_large_to_hold_is_refused(tmp_path, picture, monkeypatch):
    Image.fromarray(picture).save(tmp_path / "big.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(SlideError, match="Slide 'big': expected a picture small enough to hold in memory"):
        open_slide(tmp_path / "big.png")


def test_slide_mpp_must_be_plausible_and_ids_safe(tmp_path, picture):
    Image.fromarray(picture[:9, :9]).save(tmp_path / "p.png")
    with pytest.raises(MppError, match=r"Slide 'p': expected --slide-mpp between 0.05 and 10 um/px, got 40"):
        open_slide(tmp_path / "p.png", slide_mpp=40)
    assert slide_id_of("/a/TCGA-A1.B2.svs") == "TCGA-A1.B2"
    with pytest.raises(CohortError, match=r"Slide file '..x.svs'"):
        slide_id_of("/a/..x.svs")
