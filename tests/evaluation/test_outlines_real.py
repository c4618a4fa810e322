"""Outlines of real metastases against the patch centres that were published for the same slides."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from wsigraph.evaluation.outlines import Outlines
from wsigraph.evaluation.patch_truth import patch_labels, share_inside

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "camelyon16_lesions"


@pytest.fixture(scope="module")
def outlines(folder):
    """Outlines of a tumour slide by name: metastases solid, what was drawn out of them as holes."""
    with np.load(folder / "lesion_polygons.npz", allow_pickle=False) as file:
        held = {name: file[name] for name in file.files}

    def of(name):
        mine = np.flatnonzero(held["slide"] == name)
        parts = {i: held["vertices"][held["ptr"][i] : held["ptr"][i + 1]] for i in mine}
        solid = [parts[i] for i in mine if held["positive"][i]]
        return Outlines.of(solid, [parts[i] for i in mine if not held["positive"][i]])

    return of


def centres(path):
    found: dict[str, list[list[int]]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            name, x, y = line.strip().split(",")
            found.setdefault(name.lower(), []).append([int(x), int(y)])
    return {name: np.array(places) for name, places in found.items()}


def test_published_centres_lie_where_they_should(folder, outlines):
    tumour = centres(folder / "ncrf_coords_tumor_valid.txt.gz")
    assert len(tumour) == 10
    in_holes = {}
    for name, places in tumour.items():
        mine = outlines(name)
        vertices = [mine.vertices[mine.ptr[i] : mine.ptr[i + 1]] for i in np.flatnonzero(~mine.hole)]
        assert Outlines.of(vertices).contain(places).all(), name
        in_holes[name] = int((~mine.contain(places)).sum())
    # the published list was drawn without a look at what had been drawn out of this one slide
    assert {name: n for name, n in in_holes.items() if n} == {"tumor_107": 47}
    normal = centres(folder / "ncrf_coords_normal_valid.txt.gz")
    beside = {name: places for name, places in normal.items() if name.startswith("tumor")}
    assert sum(map(len, beside.values())) == 13225
    for name, places in beside.items():
        assert not outlines(name).contain(places).any(), name


@pytest.mark.parametrize("name", ["tumor_101", "tumor_107", "tumor_110"])
def test_thirty_two_lines_are_enough_for_real_outlines(outlines, name):
    mine = outlines(name)
    box, side = mine.box, 512
    xs, ys = (np.arange(low, high + side, side) for low, high in ((box.x, box.right), (box.y, box.bottom)))
    lattice = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    share, fine = share_inside(mine, lattice, side), share_inside(mine, lattice, side, lines=2048)
    assert ((fine > 0) & (fine < 1)).sum() > 20
    assert np.abs(share - fine).max() < 0.01
    assert (patch_labels(share) == patch_labels(fine)).mean() > 0.999


def test_shares_add_up_to_the_area_of_the_polygon(outlines):
    mine = outlines("tumor_109")
    largest = int(np.argmax(np.diff(mine.ptr)))
    polygon = mine.vertices[mine.ptr[largest] : mine.ptr[largest + 1]]
    x, y = (polygon - polygon.mean(0)).T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    one = Outlines.of([polygon])
    xs, ys = np.arange(one.box.x - 7, one.box.right, 256), np.arange(one.box.y - 11, one.box.bottom, 256)
    lattice = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    assert share_inside(one, lattice, 256).sum() * 256**2 == pytest.approx(area, rel=1e-3)
