"""The gallery shows the pixels under the patches with most attention, most first."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import FeatureError, RunError
from wsigraph.io import gallery_png
from wsigraph.io.gallery_png import PATCH_PX, read_top_patches, write_gallery
from wsigraph.io.slides import open_slide
from wsigraph.io.tiff import write_pyramid
from wsigraph.pipelines.heatmap import heatmap_run

SIDE = 256


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """A slide of 9 x 9 squares of 256 px, each of one colour that says where it is, with a pyramid."""
    image = np.zeros((9 * SIDE, 9 * SIDE, 3), np.uint8)
    for row in range(9):
        for column in range(9):
            square = image[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
            square[:] = (20 * row, 20 * column, 100)
    path = tmp_path_factory.mktemp("slide") / "synthetic_000.tif"
    write_pyramid(path, image, mpp=0.5)
    return path


def heatmap(raw, corners, size=float(SIDE)):
    values = np.array(raw)
    return Heatmap("synthetic_000", values, values, np.array(corners), size, 0.5, "attention: rank")


def test_most_attention_first_equal_ones_in_the_order_of_the_file(slide):
    corners = [[0, 0], [256, 0], [512, 256], [1024, 512]]
    with open_slide(slide) as reader:
        found = read_top_patches(reader, heatmap([0.2, 0.3, 0.2, 0.3], corners), top=3)
    assert [(one.row, one.share, one.corner) for one in found] == [
        (1, 0.3, (256, 0)),
        (3, 0.3, (1024, 512)),
        (0, 0.2, (0, 0)),
    ]


@pytest.mark.parametrize("size", [256, 512])
def test_pixels_are_those_under_the_patch(slide, size):
    with open_slide(slide) as reader:
        (one,) = read_top_patches(reader, heatmap([1.0], [[768, 512]], float(size)), top=1)
        whole = reader.read_region(768, 512, level=0, width=size, height=size)
    wanted = np.asarray(Image.fromarray(whole).resize((PATCH_PX, PATCH_PX), Image.Resampling.BOX))
    assert one.pixels.shape == (PATCH_PX, PATCH_PX, 3)
    middle = (slice(10, 100), slice(10, 100))  # colours of one square, away from its edges
    assert np.abs(one.pixels[middle].astype(int) - wanted[middle].astype(int)).max() <= 6  # of JPEG
    assert np.abs(one.pixels[20, 20].astype(int) - (40, 60, 100)).max() <= 6


def test_patches_of_unknown_size_or_of_another_slide_are_refused(slide):
    with open_slide(slide) as reader:
        with pytest.raises(FeatureError, match="expected patches of a known size"):
            read_top_patches(reader, heatmap([1.0], [[0, 0]], math.nan), top=1)
        with pytest.raises(FeatureError, match="on a slide of 2304 x 2304 px, got one at 9000, 0"):
            read_top_patches(reader, heatmap([1.0], [[9000, 0]]), top=1)


def test_a_picture_says_rank_share_and_scale(slide, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(gallery_png, "save_figure", lambda path, figure: drawn.append(figure))
    shown = heatmap([0.5, 0.1, 0.4], [[0, 0], [256, 0], [512, 256]])
    with open_slide(slide) as reader:
        found = read_top_patches(reader, shown, top=2)
    write_gallery(tmp_path / "g.png", found, shown, title="here")
    (figure,) = drawn
    first, second = figure.axes
    assert first.get_title(loc="left") == "1.  50 %, 1.5 times an even share"
    assert second.get_title(loc="left") == "2.  40 %, 1.2 times an even share"
    assert figure.get_supxlabel() == "2 of 3 patches, 90 % of the attention"
    assert [text.get_text() for text in first.texts] == ["20 µm"]  # 256 px of 0.5 um: a fifth is 25.6
    with pytest.raises(RunError, match="expected at least one patch"):
        write_gallery(tmp_path / "g.png", [], shown)


def test_a_run_shows_where_it_looks(finished, manifest, slide, tmp_path):
    features, out = manifest.parent / "features" / "synthetic_000.h5", tmp_path / "gallery.png"
    with pytest.raises(RunError, match=r"expected the slide beside its features, got none\. Give --slide"):
        heatmap_run(finished, features, out=tmp_path / "map.png", gallery=out)
    shown = heatmap_run(finished, features, slide=slide, out=tmp_path / "map.png", gallery=out, top=5)
    with Image.open(out) as picture:
        assert min(picture.size) > 400
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    place = shown.coords[shown.raw.argmax()] // SIDE
    wanted = np.array([20 * place[1], 20 * place[0], 100])
    assert np.abs(colours.astype(int) - wanted).max(1).min() <= 6
