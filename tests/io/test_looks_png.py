"""Attention of several methods on the same slides, drawn side by side."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from wsigraph.errors import RunError
from wsigraph.io.looks_png import Look, write_looks


def look(slide, attention, count=100):
    places = np.stack(np.divmod(np.arange(count), 10), 1) * 256
    return Look(slide, "tumour", places[:, ::-1], attention)


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_what_is_attended_most_is_yellow_and_lies_where_it_lies(tmp_path):
    corner = np.zeros(100)
    corner[:10] = 1.0 + np.arange(10)  # the top row of patches
    write_looks(tmp_path / "a.png", {"gat": [look("s1", corner)]})
    pixels = read(tmp_path / "a.png")
    yellow = np.argwhere((pixels[..., 0] > 200) & (pixels[..., 1] > 200) & (pixels[..., 2] < 80))
    left = yellow[yellow[:, 1] < 0.7 * pixels.shape[1]]  # beside it stands the scale
    assert len(left) > 20
    assert left[:, 0].max() < 0.4 * pixels.shape[0]


def test_methods_stand_beside_each_other(tmp_path):
    looks = [look("s1", np.arange(100.0)), look("s2", np.arange(100.0)[::-1])]
    write_looks(tmp_path / "one.png", {"gat": looks})
    write_looks(tmp_path / "two.png", {"gat": looks, "abmil": looks})
    one, two = (read(tmp_path / name).shape for name in ("one.png", "two.png"))
    assert two[1] > 1.6 * one[1]
    assert two[0] < 1.2 * one[0]


@pytest.mark.parametrize(
    "methods", [{}, {"gat": []}, {"gat": [look("s1", np.ones(100))], "gin": [look("s2", np.ones(100))]}]
)
def test_nothing_to_draw_or_other_slides_are_refused(tmp_path, methods):
    with pytest.raises(RunError, match="looks at the same slides"):
        write_looks(tmp_path / "a.png", methods)
