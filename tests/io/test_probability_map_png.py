"""Probability maps: what is transparent, what is filled, where it lies, and what the words say."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from wsigraph.data.box import Box
from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import GraphError, RunError
from wsigraph.evaluation.outlines import Outlines
from wsigraph.io.probability_map_png import write_probability_map
from wsigraph.patches.overview import Overview

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
LEFT_HALF = Outlines.of([SQUARE * [200, 200]], [SQUARE * [50, 50] + [50, 50]])
NOTHING = Outlines.of([])


def heatmap(values, coords=None, **options) -> Heatmap:
    values = np.asarray(values, dtype=float)
    coords = [[100 * i, 0] for i in range(len(values))] if coords is None else coords
    options = {"patch_size": 100.0, "mpp": 0.5, "limits": (0.0, 1.0), **options}
    coords = np.asarray(coords, dtype=float).reshape(-1, 2)
    return Heatmap("A1", values, values, coords, meaning="probability of 'x' per patch", **options)


def red(box: Box) -> Overview:
    image = np.zeros((50, 50, 3), dtype=np.uint8)
    image[..., 0] = 255
    return Overview(image, box)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw and give back the figure and the pixels of the file."""
    kept = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])

    def draw(*args, **options):
        write_probability_map(tmp_path / "map.png", *args, **options)
        with Image.open(tmp_path / "map.png") as picture:
            return kept[-1], np.asarray(picture.convert("RGB"))

    return draw


@pytest.mark.parametrize("least", [0.3, 0.5])
def test_patches_under_the_bound_are_transparent(drawn, least):
    values = [0.0, 0.29, 0.3, 0.31, 0.5, 1.0]
    figure, _ = drawn(heatmap(values), NOTHING, least=least)
    image = figure.axes[1].images[-1]
    shown = np.ma.getmaskarray(image.get_array())[0]
    per_patch = shown.reshape(len(values), -1)
    assert (per_patch == per_patch[:, :1]).all()
    assert (~per_patch[:, 0]).tolist() == [v >= least for v in values]
    assert image.get_clim() == (least, 1.0)


def test_likely_patches_are_the_more_opaque_the_more_likely(drawn):
    figure, _ = drawn(heatmap([0.3, 0.5, 0.8, 1.0]), NOTHING)
    image = figure.axes[1].images[-1]
    opacity = image.cmap(image.norm([0.3, 0.5, 0.8, 1.0]))[:, 3]
    assert (np.diff(opacity) > 0).all()
    assert opacity[0] > 0.3
    assert opacity[-1] == 1.0


def test_the_truth_is_filled_where_it_is_and_holes_are_not(drawn):
    slide = Box(0, 0, 400, 300)
    figure, pixels = drawn(heatmap([0.1], [[0, 0]]), LEFT_HALF, red(slide))
    truth = figure.axes[0].images[-1]
    filled = ~np.ma.getmaskarray(truth.get_array())
    height, width = filled.shape
    y, x = np.mgrid[:height, :width] + 0.5
    x, y = x * 400 / width, y * 300 / height
    inside = (x < 200) & (y < 200) & ~((x >= 50) & (x < 100) & (y >= 50) & (y < 100))
    assert (filled != inside).mean() < 0.01  # but for pixels on an edge
    assert truth.get_extent() == pytest.approx([0, 400, 300, 0], rel=2e-3)
    assert len(figure.axes[1].images) == 2  # the slide and the probabilities: nothing filled
    is_red = (np.abs(pixels.astype(int) - [255, 0, 0]).sum(-1) < 6).mean()
    assert is_red > 0.5  # the slide is seen in both panels
    mixed = 0.45 * np.array([9, 105, 218]) + 0.55 * np.array([255, 0, 0])
    assert 0.05 < (np.abs(pixels - mixed).sum(-1) < 12).mean() < 0.3


def test_outlines_stand_closed_in_both_panels(drawn):
    figure, _ = drawn(heatmap([0.5, 0.5]), LEFT_HALF)
    for axes in figure.axes[:2]:
        seam, line = axes.collections
        assert seam.get_linewidths()[0] > line.get_linewidths()[0]
        for path, corner in zip(line.get_paths(), ([0, 0], [50, 50]), strict=True):
            assert path.vertices[0].tolist() == path.vertices[-1].tolist() == corner
            assert len(path.vertices) == 5


def test_both_panels_show_the_same_part_and_y_grows_downwards(drawn):
    figure, _ = drawn(heatmap([0.5], [[100, 200]]), LEFT_HALF, red(Box(0, 0, 400, 300)))
    for axes in figure.axes[:2]:
        assert axes.get_xlim() == (0, 400)
        assert axes.get_ylim() == (300, 0)
    assert figure.axes[1].images[-1].get_extent() == [100, 200, 300, 200]


def test_without_a_picture_the_patches_are_grey(drawn):
    figure, _ = drawn(heatmap([0.1, 0.9], [[0, 0], [200, 0]]), NOTHING)
    for axes in figure.axes[:2]:
        tissue = ~np.ma.getmaskarray(axes.images[0].get_array())
        third = tissue.shape[1] // 3
        assert tissue[:, :third].all()
        assert not tissue[:, third : 2 * third].any()
        assert tissue[:, 2 * third :].all()


def test_the_words(drawn):
    figure, _ = drawn(heatmap([0.5, 0.5]), LEFT_HALF, title="patch AUC 0.9, synthetic")
    texts = [t.get_text() for t in figure.findobj(lambda o: type(o).__name__ in ("Text", "Annotation"))]
    for text in (
        "A1: patch AUC 0.9, synthetic",
        "truth",
        "probability of 0.3 and more",
        "probability of 'x' per patch\nunder 0.3 transparent",
        "20 µm",
    ):
        assert text in texts


@pytest.mark.parametrize(("side", "rows"), [([[0, 0], [900, 0]], 2), ([[0, 0], [0, 900]], 1), ([[0, 0]], 1)])
def test_any_shape_gives_a_picture_of_sane_size(drawn, side, rows):
    figure, pixels = drawn(heatmap([0.5] * len(side), side), NOTHING)
    assert figure.axes[0].get_gridspec().nrows == rows
    assert all(150 < length < 2500 for length in pixels.shape[:2])


def test_what_does_not_belong_together_is_refused(tmp_path):
    slide, path = red(Box(0, 0, 400, 300)), tmp_path / "x.png"
    with pytest.raises(RunError, match=r"map 'A1': expected patches within x 0\.\.400.*got x 900\.\.1000"):
        write_probability_map(path, heatmap([0.5], [[900, 0]]), NOTHING, slide)
    with pytest.raises(RunError, match=r"expected outlines within .*got x 5000\.\.5001"):
        write_probability_map(path, heatmap([0.5]), Outlines.of([SQUARE + np.array([5000, 0])]), slide)
    with pytest.raises(RunError, match=r"probabilities in 0\.\.1, got -1 to 0\.5"):
        write_probability_map(path, heatmap([0.5, -1.0]), NOTHING)
    with pytest.raises(GraphError, match="at least one patch"):
        write_probability_map(path, heatmap([]), NOTHING, slide)
    assert list(tmp_path.iterdir()) == []
