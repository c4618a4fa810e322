"""Real slides, whole and broken: each opens with its facts or fails with its own words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wsigraph.errors import MppError, SlideError
from wsigraph.io.slides import open_slide, read_overview
from wsigraph.patches.mpp import check_mpp

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("name", "vendor", "size", "mpp"),
    [
        ("slides/CMU-1-Small-Region.svs", "aperio", (2220, 2967), 0.499),
        ("slides/test3-DAPI-2-387.ndpi", "hamamatsu", (3968, 4864), 0.22818),
        ("slides/openslide-python_boxes_0.dcm", "dicom", (16, 16), 0.499),
        ("slides/slaid_patch.tif", "generic-tiff", (256, 256), math.nan),
        ("slides_he/her2st_B4.tiff", "generic-tiff", (9272, 9923), 0.732),
        ("crchisto/images/img1.png", "picture", (500, 500), math.nan),
        ("nct_crc_samples/TUM-AACHEHDV.tif", "picture", (224, 224), math.nan),
    ],
)
def test_real_slides_open_with_their_facts(real_data, name, vendor, size, mpp):
    with open_slide(real_data / name) as reader:
        info = reader.info
        assert (info.vendor, (info.width, info.height)) == (vendor, size)
        assert info.mpp == pytest.approx(mpp, rel=1e-4, nan_ok=True)
        pixels = reader.read_region(0, 0, level=len(info.levels) - 1, width=1, height=1)
        assert pixels.shape == (1, 1, 3)


def test_missing_and_false_mpp(real_data):
    boxes = real_data / "slides/openslide-python_boxes.tiff"
    for path, text in (
        (real_data / "slides/tcga-cr-7395-01a-01-ts1.svs", r"in the file, got none\. .*--slide-mpp"),
        (boxes, r"expected microns per pixel between 0.05 and 10, got 352\.778\. .*--slide-mpp"),
    ):
        with open_slide(path) as reader, pytest.raises(MppError, match=text):
            check_mpp(reader.info)
    with open_slide(boxes, slide_mpp=0.5) as reader:
        assert check_mpp(reader.info) == 0.5


def test_unopenable_unreadable_and_broken_files_each_say_why(real_data):
    with pytest.raises(
        SlideError,
        match=r"Slide 'openslide-python_unopenable': expected a whole slide in "
        r"openslide-python_unopenable.tiff, got 'Unsupported TIFF compression: 52479' from OpenSlide\.",
    ):
        open_slide(real_data / "slides/openslide-python_unopenable.tiff")
    with open_slide(real_data / "slides/openslide-python_unreadable.svs") as reader:
        for _ in range(2):  # the handle is reopened: the reason stays the same
            with pytest.raises(
                SlideError,
                match=r"Slide 'openslide-python_unreadable': expected 16 x 16 pixels of level 0 at \(0, 0\), "
                r"got 'Bogus marker length' from OpenSlide\. The file is damaged",
            ):
                reader.read_region(0, 0, level=0, width=16, height=16)
    with pytest.raises(
        SlideError,
        match=r"Slide 'histolab_broken': expected a slide or a picture, got histolab_broken.svs, in no",
    ):
        open_slide(real_data / "slides/histolab_broken.svs")


def test_a_truncated_mirax_gives_what_its_lower_levels_hold(real_data):
    path = real_data / "slides/mirax_truncated/Mirax2-Fluorescence-2.mrxs"
    with open_slide(path) as reader:
        bounds = reader.info.bounds
        assert (bounds.x, bounds.y, bounds.width, bounds.height) == (9153, 102664, 10439, 7641)
        x, y = int(bounds.x) + 4000, int(bounds.y) + 3000
        for level in range(len(reader.info.levels)):
            if level < 2:
                with pytest.raises(
                    SlideError,
                    match=rf"Slide 'Mirax2-Fluorescence-2': expected 64 x 64 pixels of level {level} at "
                    r"\(13153, 105664\), got .*Data\d+\.dat",
                ):
                    reader.read_region(x, y, level=level, width=64, height=64)
            else:  # the handle that has just raised is dead; the reader opened another
                pixels = reader.read_region(x, y, level=level, width=8, height=8)
                assert pixels.shape == (8, 8, 3)
        overview = read_overview(reader, downsample=16)
        assert overview.box.x == 9153
        assert len(np.unique(overview.image)) > 50
