"""The overlay shows what it says: patches at their places, flags in their colours, a true scale bar."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from wsigraph.data.box import Box
from wsigraph.data.patches import Patches
from wsigraph.errors import FeatureFileError
from wsigraph.io.overlay import draw_overlay, nice_length, write_overlay
from wsigraph.io.patch_files import read_made_with, read_patch_file, write_patches
from wsigraph.patches.overview import Overview


def example(slide_id="S1"):
    overview = Overview(np.full((300, 600, 3), 240, np.uint8), Box(100, 50, 6000, 3000))
    coords = np.array([[1100, 1050], [2100, 1050], [3100, 1050]])
    flags = {"pen": np.array([False, True, False]), "blur": np.array([False, False, True])}
    patches = Patches(
        slide_id, coords, 256, 1000, 1000, 0, 1000, 0.5, 1000 * 0.5 / 256, np.array([1, 0.5, 0.25]), flags
    )
    mask = np.zeros((300, 600), bool)
    mask[100:200, 100:400] = True
    return overview, mask, patches


def test_patches_and_flags_are_drawn_at_their_places():
    canvas = np.asarray(draw_overlay(*example())).astype(int)
    zoom, top = 1200 / 6000, 44  # canvas pixels per level-0 pixel, height of the title
    y = round(top + 1500 * zoom)
    plain, pen, blur = (canvas[y, round((x + 500) * zoom)] for x in (1000, 2000, 3000))
    assert (plain == 240).all()  # not tinted
    assert pen[1] < pen[0]  # magenta
    assert pen[1] < pen[2]
    assert blur[2] < blur[1] < blur[0]  # orange
    outline = canvas[round(top + 1000 * zoom) + 1, round(1500 * zoom)]
    assert outline[2] > outline[0] or outline[1] > outline[0]  # blue of the patch over green of the tissue


def test_the_scale_bar_is_as_long_as_it_says():
    canvas = np.asarray(draw_overlay(*example()))
    rows = canvas[-38:-34, 600:].astype(int).sum(axis=2) < 120
    longest = rows.sum(axis=1).max()
    um_per_pixel = 6000 * 0.5 / 1200
    assert longest * um_per_pixel == pytest.approx(500, rel=0.02)  # 500 um of a fifth of 3 mm


@pytest.mark.parametrize(("about", "nice"), [(600, 500), (500, 500), (499, 200), (1.7, 1), (0.03, 0.02)])
def test_nice_lengths(about, nice):
    assert nice_length(about) == pytest.approx(nice)


def test_narrow_slides_and_long_names_fit(tmp_path):
    overview, _, patches = example("A" * 120)
    narrow = Overview(overview.image[:, :20], Box(100, 50, 200, 3000))
    write_overlay(tmp_path / "a.png", narrow, np.ones((300, 20), bool), patches)
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (640, 1304)


def test_patch_files_come_back_and_damage_is_named(tmp_path):
    _, _, patches = example()
    path = tmp_path / "S1.h5"
    write_patches(path, patches, made_with={"mpp": 0.5, "min_tissue": 0.25})
    back = read_patch_file(path)
    for name in ("coords", "tissue"):
        np.testing.assert_array_equal(getattr(back, name), getattr(patches, name))
    for name in ("slide_id", "patch_px", "patch_size_level0", "step_level0", "read_level", "read_px", "mpp"):
        assert getattr(back, name) == getattr(patches, name)
    np.testing.assert_array_equal(back.flags["pen"], [False, True, False])
    assert read_made_with(path) == {"mpp": 0.5, "min_tissue": 0.25}
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(FeatureFileError, match=r"S1\.h5"):
        read_patch_file(path)
