"""Heatmap pictures: what is drawn where, and what the words say."""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from wsigraph.data.box import Box
from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import GraphError, RunError
from wsigraph.io.heatmap_png import write_heatmap
from wsigraph.io.scale_bar import bar_length
from wsigraph.patches.overview import Overview


def heatmap(values, coords, **options) -> Heatmap:
    values = np.asarray(values, dtype=float)
    options = {"patch_size": 100.0, "mpp": 0.5, "limits": (0.0, 100.0), **options}
    return Heatmap("A1", values, values, np.asarray(coords, dtype=float), meaning="what it means", **options)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw and give back the texts of the figure, its axes and the pixels of the file."""
    kept = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])

    def draw(*args, **options):
        path = tmp_path / "heatmap.png"
        write_heatmap(path, *args, **options)
        texts = [text.get_text() for text in kept[-1].findobj(lambda o: type(o).__name__ in TEXTS)]
        with Image.open(path) as picture:
            return texts, kept[-1].axes, np.asarray(picture.convert("RGB"))

    return draw


TEXTS = ("Text", "Annotation")


@pytest.mark.parametrize(
    ("width", "mpp", "label", "length"),
    [
        (10000, 0.25, "500 µm", 2000),
        (10000, 0.5, "1 mm", 2000),
        (100000, 0.25, "5 mm", 20000),
        (500, 0.5, "50 µm", 100),
        (9000, math.nan, "1000 px (um per pixel unknown)", 1000),
        (49999, math.nan, "5000 px (um per pixel unknown)", 5000),
    ],
)
def test_scale_bar_has_a_round_length(width, mpp, label, length):
    found, text = bar_length(width, mpp)
    assert text == label
    assert found == pytest.approx(length)


def test_the_picture_says_slide_title_meaning_and_scale(drawn):
    texts, axes, _ = drawn(heatmap([0, 100], [[0, 0], [100, 0]]), title="tumour 0.9")
    assert "A1: tumour 0.9" in texts
    assert "what it means" in texts
    assert "20 µm" in texts
    assert len(axes) == 2  # heatmap and colour bar


def test_an_id_in_the_title_is_not_repeated_and_unknown_mpp_is_said(drawn):
    texts, _, _ = drawn(heatmap([0], [[0, 0]], mpp=math.nan), title="A1: tumour")
    assert "A1: tumour" in texts
    assert "20 px (um per pixel unknown)" in texts


def test_with_a_thumbnail_the_slide_stands_beside_the_overlay(drawn):
    red = np.zeros((50, 50, 3), dtype=np.uint8)
    red[..., 0] = 255
    patches = heatmap([0, 100], [[0, 0], [400, 400]])
    _, axes, pixels = drawn(patches, Overview(red, Box(0, 0, 500, 500)), title="t")
    assert len(axes) == 3
    left, right, _ = axes
    assert left.get_xlim() == right.get_xlim() == (0, 500)
    assert left.get_ylim() == right.get_ylim() == (500, 0)  # y grows downwards
    overlay = right.images[-1]
    assert overlay.get_extent() == [0, 500, 500, 0]
    values = np.ma.filled(overlay.get_array(), np.nan)
    assert values[0, 0] == 0
    assert values[-1, -1] == 100
    assert np.isnan(values[0, -1])
    assert (np.abs(pixels.astype(int) - [255, 0, 0]).sum(-1) < 6).mean() > 0.5  # slide where no patch lies


def test_patches_outside_the_slide_are_refused(tmp_path):
    slide = Overview(np.zeros((50, 50, 3), dtype=np.uint8), Box(200, 0, 500, 500))
    words = r"'A1': expected patches within x 200..700, y 0..500, got x 900..1000"
    with pytest.raises(RunError, match=words):
        write_heatmap(tmp_path / "x.png", heatmap([1], [[900, 0]]), slide, title="t")
    with pytest.raises(RunError, match=r"got x 0..100"):  # left of the scanned area
        write_heatmap(tmp_path / "x.png", heatmap([1], [[0, 0]]), slide, title="t")
    with pytest.raises(GraphError, match="at least one patch"):
        write_heatmap(tmp_path / "x.png", heatmap([], np.zeros((0, 2))), title="t")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 300])
def test_any_shape_gives_a_picture_of_sane_size(tmp_path, count):
    path = Path(tmp_path / "x.png")
    write_heatmap(path, heatmap(np.arange(count), [[100 * i, 0] for i in range(count)]), title="t")
    with Image.open(path) as picture:
        width, height = picture.size
    assert 150 < width < 2500
    assert 100 < height < 2500


def test_scattered_points_do_not_need_a_huge_array(tmp_path):
    rng = np.random.default_rng(0)
    points = heatmap(np.arange(500), rng.integers(0, 200_000, (500, 2)), patch_size=1.0)
    tracemalloc.start()
    write_heatmap(tmp_path / "x.png", points, title="t")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 29, "200,000 x 200,000 cells of one pixel would be 40 GB"
