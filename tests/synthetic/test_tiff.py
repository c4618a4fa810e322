"""Pyramids: OpenSlide opens them, with the right size, levels, mpp and pixels."""

from __future__ import annotations

import numpy as np
import openslide
import pytest

from wsigraph.errors import SlideError
from wsigraph.io.tiff import write_pyramid


def smooth_image(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 200 / height, columns * 200 / width, np.full(rows.shape, 90.0)], -1).astype(
        np.uint8
    )


def test_openslide_reads_levels_mpp_and_pixels(tmp_path):
    image = smooth_image(1300, 1751)  # odd sizes, not multiples of the tile
    write_pyramid(tmp_path / "a.tif", image, mpp=0.25, description="synthetic")
    with openslide.OpenSlide(tmp_path / "a.tif") as slide:
        assert slide.level_dimensions == ((1751, 1300), (876, 650), (438, 325))
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.25)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(0.25)
        assert slide.properties["tiff.ImageDescription"] == "synthetic"
        read = np.asarray(slide.read_region((900, 200), 0, (300, 400)).convert("RGB")).astype(int)
        np.testing.assert_array_equal(read, image[200:600, 900:1200])
        last = np.asarray(slide.read_region((0, 0), 2, (438, 325)).convert("RGB")).astype(int)
        np.testing.assert_allclose(last[:320, :430], image[2::4, 2::4][:320, :430], atol=5)


@pytest.mark.parametrize(
    ("image", "mpp", "message"),
    [
        (np.zeros((4, 4, 3), dtype=np.float32), 0.5, "float32"),
        (np.zeros((4, 4), dtype=np.uint8), 0.5, r"\[4, 4\]"),
        (np.zeros((4, 0, 3), dtype=np.uint8), 0.5, r"\[4, 0, 3\]"),
        (np.zeros((4, 4, 3), dtype=np.uint8), float("nan"), "positive mpp, got nan"),
    ],
)
def test_what_is_not_a_picture_is_refused(tmp_path, image, mpp, message):
    with pytest.raises(SlideError, match=message):
        write_pyramid(tmp_path / "a.tif", image, mpp=mpp)
    assert list(tmp_path.iterdir()) == []
