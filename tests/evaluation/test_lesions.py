"""Lesions as the challenge counts them, against brute force, and detections against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wsigraph.errors import FeatureError, MppError, RecipeError
from wsigraph.evaluation.detections import Detections, peaks
from wsigraph.evaluation.lesions import Lesions, lesions_of, lesions_of_mask
from wsigraph.evaluation.outlines import Outlines


def by_brute_force(mask, um):
    """Labels and major axes by distances to every pixel, floods and second moments."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1)
    away = np.hypot(grid[..., :1] - rows, grid[..., 1:] - columns).min(-1)
    grown = np.pad(away * um < 37.5, 1)
    outside = flood(~grown, (0, 0), corners=False)
    solid = ~outside[1:-1, 1:-1]
    labels, found = np.zeros(mask.shape, int), []
    for i, j in np.argwhere(solid):
        if labels[i, j] == 0:
            one = flood(np.pad(solid, 1), (i + 1, j + 1), corners=True)[1:-1, 1:-1]
            labels[one] = len(found) + 1
            points = np.argwhere(one)
            found.append(4 * math.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(points.T, bias=True)))[-1]))
    return labels, np.array(found) * um


def flood(free, start, *, corners):
    seen, waiting = np.zeros(free.shape, bool), [start]
    while waiting:
        i, j = waiting.pop()
        if 0 <= i < free.shape[0] and 0 <= j < free.shape[1] and free[i, j] and not seen[i, j]:
            seen[i, j] = True
            steps = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if corners or a == 0 or b == 0]
            waiting += [(i + a, j + b) for a, b in steps]
    return seen


@pytest.mark.parametrize("seed", range(4))
def test_lesions_are_those_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    mask, um = np.zeros((40, 50), bool), 11.0
    for _ in range(7):
        i, j = rng.integers(0, 32, 2)
        mask[i : i + rng.integers(1, 14), j : j + rng.integers(1, 14)] = True
    mask &= rng.random(mask.shape) < 0.9
    labels, axes = by_brute_force(mask, um)
    found = lesions_of_mask(mask, mpp=um / 32, downsample=32)
    assert (found.labels == labels).all()
    assert found.isolated.tolist() == (axes < 275).tolist()
    assert found.counted == (axes >= 275).sum()


def bars(*columns, length=50, um=10.0):
    mask = np.zeros((length + 20, 60), bool)
    for column in columns:
        mask[10 : 10 + length, column : column + 5] = True
    return lesions_of_mask(mask, mpp=um, downsample=1)


def test_annotations_less_than_75_um_apart_are_one_lesion():
    assert len(bars(10, 21).isolated) == 1  # 6 pixels of 10 um lie between: each grows by 3
    assert len(bars(10, 22).isolated) == 2  # 7 lie between, and one stays free
    assert len(bars(10, 40).isolated) == 2


@pytest.mark.parametrize(("radius_um", "isolated"), [(90, True), (97, True), (103, False), (200, False)])
def test_round_lesions_are_isolated_cells_up_to_200_um(radius_um, isolated):
    y, x = np.mgrid[-80:81, -80:81] * 4.0  # 4 um per pixel
    found = lesions_of_mask(np.hypot(x, y) <= radius_um, mpp=4.0, downsample=1)
    assert found.isolated.tolist() == [isolated]


def test_rings_are_filled():
    y, x = np.mgrid[-80:81, -80:81] * 4.0
    radius = np.hypot(x, y)
    found = lesions_of_mask((radius > 180) & (radius < 200), mpp=4.0, downsample=1)
    assert found.labels[80, 80] == 1


def test_no_tumour_no_lesion():
    for found in (lesions_of_mask(np.zeros((5, 5), bool)), lesions_of(Outlines.of([]))):
        assert found.counted == 0
        assert found.at(np.array([[3.0, 3.0]])).tolist() == [0]


def test_outlines_become_lesions_where_they_lie():
    disc = np.stack([np.cos(a := np.linspace(0, 2 * np.pi, 90)[:-1]), np.sin(a)], axis=1)
    outlines = Outlines.of([4000 * disc + [90_000, 50_000], 3000 * disc + [120_000, 51_000]])
    found = lesions_of(outlines)
    assert (found.counted, found.labels.max()) == (2, 2)
    assert found.x % 32 == found.y % 32 == 0
    assert found.labels.size < 2e6  # cut to where they are: the slide has 80 million pixels at level 0
    places = np.array([[90_000, 50_000], [94_100, 50_000], [94_300, 50_000], [120_000, 51_000], [-5, 1e7]])
    assert found.at(places).tolist() == [
        1,
        1,
        0,
        2,
        0,
    ]  # 37.5 um are 154 pixels: 94,100 lies within, 94,300 not
    whole = np.zeros((2000, 4000), bool)
    box = found.labels.shape
    top, left = round(found.y / 32), round(found.x / 32)
    rows, columns = np.mgrid[top : top + box[0], left : left + box[1]] * 32 + 16
    whole[top : top + box[0], left : left + box[1]] = outlines.contain(
        np.stack([columns, rows], axis=-1).reshape(-1, 2)
    ).reshape(box)
    assert (lesions_of_mask(whole).labels[top : top + box[0], left : left + box[1]] == found.labels).all()


@pytest.mark.parametrize("mpp", [0.0, -1.0, math.nan, math.inf])
def test_an_unknown_resolution_is_refused(mpp):
    square = Outlines.of([np.array([[0, 0], [9, 0], [9, 9]])])
    with pytest.raises(MppError, match="microns per pixel above 0"):
        lesions_of(square, mpp=mpp)


def test_points_are_looked_up_as_the_challenge_looks_them_up():
    lesions = Lesions(np.array([[0, 1], [2, 0]], np.int32), np.array([False, True]), x=64, y=32)
    points = np.array([[64, 32], [96, 32], [127.9, 63.9], [64, 64], [128, 32], [63.9, 32]])
    assert lesions.at(points).tolist() == [0, 1, 1, 2, 0, 0]
    assert lesions.counted == 1


@pytest.mark.parametrize("seed", range(3))
def test_peaks_are_those_of_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(np.arange(20), np.arange(15)), axis=-1).reshape(-1, 2) * 256 + 128
    values = np.round(rng.random(300), 1)  # ties
    kept: list[int] = []
    for i in sorted(range(300), key=lambda i: (-values[i], places[i, 1], places[i, 0])):
        if values[i] >= 0.4 and all(np.hypot(*(places[i] - places[k])) > 800 for k in kept):
            kept.append(i)
    order = rng.permutation(300)
    found = peaks("s", places[order], values[order], radius=800, least=0.4)
    assert found.points.tolist() == places[kept].tolist()
    assert found.probability.tolist() == values[kept].tolist()


def test_nothing_likely_is_no_detection_and_wrong_numbers_are_refused():
    places, values = np.zeros((2, 2)), np.array([0.1, 0.2])
    assert len(peaks("s", places, values, radius=5).points) == 0
    with pytest.raises(RecipeError, match="a radius above 0"):
        peaks("s", places, values, radius=0)
    with pytest.raises(FeatureError, match=r"slide 's': expected points \[D, 2\].*got \[2, 2\] and \[3\]"):
        Detections("s", places, np.zeros(3))
    with pytest.raises(FeatureError, match="slide 's': expected finite"):
        Detections("s", places, np.array([0.1, np.nan]))
