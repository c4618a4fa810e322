"""The grouped confusion matrix: what stands where, in which colour, and that nothing covers anything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from PIL import Image

from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.evaluation.tree_confusion import tree_confusion
from wsigraph.io.tree_confusion_png import tree_confusion_figure, write_tree_confusion

LONG = tree_from_dict(
    {
        "no malignant change": {
            "benign lesion": ["normal breast tissue", "pathological benign", "usual ductal hyperplasia"],
            "lesion of uncertain potential": ["flat epithelial atypia"],
        },
        "malignant": {"in situ": ["ductal carcinoma in situ"], "invasive": ["no special type", "lobular"]},
    },
    levels=("behaviour", "group", "subtype"),
)
THREE = tree_from_dict({"a": ["one", "three"], "b": ["two"]}, levels=("g", "f"))
TREES = {"three": THREE, "bracs": ready_tree("bracs"), "panda": ready_tree("panda"), "long": LONG}


@pytest.fixture(params=TREES)
def tree(request):
    """Trees of 3, 6 and 7 classes, with short and long names, two and three levels."""
    return TREES[request.param]


def drawn(tree, counts=None):
    size = len(tree.names())
    confusion = tree_confusion(np.arange(size**2).reshape(size, size) if counts is None else counts, tree)
    figure = tree_confusion_figure(confusion, title="Synthetic counts")
    return confusion, figure, figure.axes[0]


def test_every_count_stands_in_its_cell(tree):
    confusion, _, axes = drawn(tree)
    size = len(confusion.classes)
    found = {text.get_position(): text.get_text() for text in axes.texts[: size**2]}
    for i in range(size):
        for j in range(size):
            count = confusion.counts[i, j]
            percent = f"\n{100 * count / confusion.counts[i].sum():.0f} %" if count else ""
            assert found[j, i] == f"{count}{percent}"
    assert [label.get_text() for label in axes.get_xticklabels()] == list(confusion.classes)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(confusion.classes)


def test_cells_of_the_true_family_are_blue_and_others_orange(tree):
    confusion, _, axes = drawn(tree, np.ones((len(tree.names()),) * 2, dtype=int))
    size = len(confusion.classes)
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_fill()]
    assert len(cells) == size**2
    for patch in cells:
        j, i = (round(v + 0.5) for v in patch.get_xy())
        red, _, blue, _ = patch.get_facecolor()
        siblings = tree.distance()[confusion.order[i], confusion.order[j]] <= 1
        assert (blue > red) == siblings


def test_each_coarse_class_has_a_bracket_over_its_columns_and_beside_its_rows(tree):
    confusion, _, axes = drawn(tree)
    wanted = []
    for _, brackets in confusion.groups:
        for b in brackets:
            wanted += [(b.start - 0.5, b.stop - 0.5)]
    columns, rows = [], []
    for line in axes.lines:
        x, y = line.get_xdata(), line.get_ydata()
        (columns if max(y) < -0.5 else rows).append((min(x), max(x)) if max(y) < -0.5 else (min(y), max(y)))
    np.testing.assert_allclose(sorted(columns), sorted(wanted), atol=0.09)
    np.testing.assert_allclose(sorted(rows), sorted(wanted), atol=0.09)
    told = [text.get_text() for text in axes.texts]
    for _, brackets in confusion.groups:
        for bracket in brackets:
            assert told.count(bracket.name) == 2


def test_no_text_covers_another(tree):
    """Level texts by their boxes; slanted ones lie beside each other as their anchors do."""
    _, figure, axes = drawn(tree, np.full((len(tree.names()),) * 2, 12345))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels(), axes.xaxis.label]
    level = [text for text in texts if text.get_text() and text.get_rotation() == 0]
    boxes = [(text.get_text(), text.get_window_extent()) for text in level]
    for (name, one), (other, two) in combinations(boxes, 2):
        apart = one.x1 <= two.x0 or two.x1 <= one.x0 or one.y1 <= two.y0 or two.y1 <= one.y0
        assert apart, f"{name!r} lies on {other!r}"


def test_the_file_is_a_picture(tmp_path):
    confusion = tree_confusion(np.eye(7, dtype=int), TREES["bracs"])
    write_tree_confusion(tmp_path / "c.png", confusion, title="Synthetic")
    with Image.open(tmp_path / "c.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape[0] > 500
    dark_blue = (pixels[..., 2] > pixels[..., 0] + 60).mean()
    assert 0.02 < dark_blue < 0.2  # the diagonal, and only the diagonal


def test_a_flat_matrix_and_empty_rows_are_drawn():
    tree = TREES["bracs"]
    counts = np.zeros((3, 3), dtype=int)
    figure = tree_confusion_figure(tree_confusion(counts, tree, level="group"))
    assert [text.get_text() for text in figure.axes[0].texts] == ["0"] * 9
    assert not figure.axes[0].lines
