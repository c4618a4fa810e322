"""Delaunay edges equal an exact reference, on lattices, lines and random points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.builders.delaunay import Delaunay


def make(coords, *, step=512.0, mpp=0.25, x=None):
    coords = np.asarray(coords, dtype=np.int64).reshape(-1, 2)
    x = np.zeros((len(coords), 3), dtype=np.float32) if x is None else x
    return PatchFeatures("s", x, coords, step_level0=step, patch_size_level0=step or 64.0, mpp=mpp)


def edge_set(index):
    return set(zip(*np.asarray(index).tolist(), strict=True))


def test_delaunay_of_random_points_is_qhulls_with_long_edges_cut():
    from scipy.spatial import Delaunay as Triangulation

    points = np.random.default_rng(3).integers(0, 10**5, (300, 2))
    expected = set()
    for simplex in Triangulation(points.astype(float)).simplices.tolist():
        expected |= {(a, b) for a in simplex for b in simplex if a != b}
    assert edge_set(Delaunay(max_steps=1e9).edges(make(points, step=0.0)).index) == expected
    short = Delaunay(max_steps=3).edges(make(points, step=0.0)).index
    assert edge_set(short) < expected


def test_delaunay_of_a_lattice_is_the_four_neighbourhood():
    grid = np.stack(np.meshgrid(np.arange(7), np.arange(7)), axis=-1).reshape(-1, 2)
    away = np.abs(grid[:, None] - grid[None]).sum(axis=-1)
    index = Delaunay().edges(make(grid * 512)).index
    assert edge_set(index) == set(zip(*np.nonzero(away == 1), strict=True))


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (3, 1)])
def test_delaunay_of_a_line_is_a_path(direction):
    coords = np.arange(6)[:, None] * np.array(direction) * 512
    index = Delaunay(max_steps=4).edges(make(coords)).index
    assert edge_set(index) == {(i, j) for i in range(6) for j in range(6) if abs(i - j) == 1}


def unambiguous_delaunay(points):
    """Pairs with a circle through both and every other point strictly outside, in exact arithmetic."""
    found = set()
    for i, (xi, yi) in enumerate(points):
        for j, (xj, yj) in enumerate(points):
            middle, normal = (Fraction(xi + xj, 2), Fraction(yi + yj, 2)), (yi - yj, xj - xi)
            low, high, possible = None, None, i != j
            for k, (x, y) in enumerate(points):
                if k in (i, j) or not possible:
                    continue
                slope = -2 * (normal[0] * (x - xi) + normal[1] * (y - yi))
                level = x * x + y * y - xi * xi - yi * yi - 2 * (middle[0] * (x - xi) + middle[1] * (y - yi))
                if slope == 0:
                    possible = level > 0
                elif slope > 0:
                    low = max(x for x in (low, -level / slope) if x is not None)
                else:
                    high = min(x for x in (high, -level / slope) if x is not None)
            if possible and (low is None or high is None or low < high):
                found.add((i, j))
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=25, unique=True),
    st.sampled_from([512.0, 0.0]),
)
def test_delaunay_equals_an_exact_reference(points, step):
    coords = np.array(points, dtype=np.int64) * 512
    index = Delaunay(max_steps=1e9).edges(make(coords, step=step)).index
    assert edge_set(index) == unambiguous_delaunay(points)
