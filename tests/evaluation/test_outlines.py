"""Points and patches inside outlines: against loops, exact areas by clipping, and known shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import points_in_poly

from wsigraph.data.box import Box
from wsigraph.errors import RecipeError, SlideError
from wsigraph.evaluation.outlines import Outlines
from wsigraph.evaluation.patch_truth import patch_labels, share_inside

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)


def star(rng, *, centre=(0.0, 0.0), corners=40, low=20.0, high=100.0):
    """A ragged outline that does not cross itself."""
    angle = np.sort(rng.random(corners)) * 2 * math.pi
    radius = rng.uniform(low, high, corners)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)


def inside_by_loops(outlines, x, y):
    """Odd number of edges to the left, polygon by polygon, edge by edge."""
    found = {False: False, True: False}
    for start, end, hole in zip(outlines.ptr[:-1], outlines.ptr[1:], outlines.hole, strict=True):
        polygon, odd = outlines.vertices[start:end], False
        for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if min(y0, y1) <= y < max(y0, y1) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
                odd = not odd
        found[bool(hole)] |= odd
    return found[False] and not found[True]


points = st.tuples(st.integers(-6, 6), st.integers(-6, 6))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(points, min_size=1, max_size=7), max_size=3),
    st.lists(st.lists(points, min_size=3, max_size=5), max_size=2),
)
def test_points_are_inside_as_loops_say(solid, holes):
    """Small whole numbers: lines through vertices, edges on edges, polygons that cross themselves."""
    outlines = Outlines.of([np.array(p) for p in solid], [np.array(p) for p in holes])
    grid = np.stack(np.meshgrid(np.arange(-7, 8), np.arange(-7, 7.5, 0.5)), axis=-1).reshape(-1, 2)
    wanted = [inside_by_loops(outlines, x, y) for x, y in grid]
    assert outlines.contain(grid).tolist() == wanted


def test_ragged_outlines_agree_with_scikit_image():
    rng = np.random.default_rng(0)
    polygon, places = star(rng), rng.uniform(-110, 110, (5000, 2))
    assert (Outlines.of([polygon]).contain(places) == points_in_poly(places, polygon)).all()


def test_a_square_holds_its_left_and_upper_edge_only():
    outlines = Outlines.of([SQUARE])
    assert outlines.contain(np.array([[0, 0], [5, 0], [0, 5]])).all()
    assert not outlines.contain(np.array([[10, 5], [5, 10], [10, 10], [-0.1, 5], [5, -0.1]])).any()
    neighbours = [Outlines.of([SQUARE + np.array(moved)]) for moved in ([10, 0], [0, 10])]
    edge = np.array([[10, 5], [5, 10]])
    assert [[bool(v) for v in n.contain(edge)] for n in neighbours] == [[True, False], [False, True]]


def test_union_and_holes():
    both = Outlines.of([SQUARE, SQUARE + 5], [SQUARE / 5 + 6])  # a hole of 2 x 2 where they overlap
    places = np.array([[1, 1], [7, 7], [9, 9], [14, 14], [6.5, 6.5], [12, 2]])
    assert both.contain(places).tolist() == [True, False, True, True, False, False]
    everything = share_inside(both, np.array([[0, 0]]), 15.0, lines=15)
    assert everything[0] == pytest.approx((100 + 100 - 25 - 4) / 225, abs=1e-12)


def clipped_area(polygon, box):
    """Area of a polygon within a rectangle: clip at one side after the other, then the shoelace formula."""
    sides = [(0, box.x, 1), (0, box.right, -1), (1, box.y, 1), (1, box.bottom, -1)]
    for axis, at, sign in sides:
        kept = []
        for p, q in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
            p_in, q_in = sign * (p[axis] - at) >= 0, sign * (q[axis] - at) >= 0
            if p_in:
                kept.append(p)
            if p_in != q_in:
                kept.append(p + (at - p[axis]) / (q[axis] - p[axis]) * (q - p))
        polygon = kept
        if not polygon:
            return 0.0
    x, y = np.array(polygon).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


@pytest.mark.parametrize("corners", [3, 8, 60])
@pytest.mark.parametrize("lines", [8, 32, 128])
def test_shares_are_areas_within_the_stated_error(corners, lines):
    rng = np.random.default_rng(corners)
    polygon, side = star(rng, corners=corners), 13.0
    coords = np.concatenate([rng.uniform(-100, 90, (150, 2)), rng.integers(-8, 8, (150, 2)) * side])
    got = share_inside(Outlines.of([polygon]), coords, side, lines=lines)
    areas = [clipped_area(list(polygon), Box(x, y, side, side)) for x, y in coords]
    error = np.abs(got - np.array(areas) / side**2)
    assert error.max() <= (1 / lines if corners < 60 else 4 / lines)  # several teeth in one patch vary more
    assert error.mean() <= 0.1 / lines
    assert ((got > 0) & (got < 1)).sum() > 20


def test_edges_on_strips_are_exact():
    outlines = Outlines.of([SQUARE])
    coords = np.array([[-5, 2], [7.5, 0], [5, 5], [9, 9], [10, 0], [0, -10], [2, 2]])
    got = share_inside(outlines, coords, 10.0, lines=20)
    assert got == pytest.approx([0.4, 0.25, 0.25, 0.01, 0.0, 0.0, 0.64], abs=1e-12)


def test_many_scattered_patches_are_cut_in_pieces_and_come_back_in_order(monkeypatch):
    rng = np.random.default_rng(1)
    outlines = Outlines.of([star(rng), star(rng, centre=(150, 30))], [star(rng, low=5, high=15)])
    coords = rng.uniform(-120, 260, (400, 2))
    whole = share_inside(outlines, coords, 20.0, lines=4)
    monkeypatch.setattr("wsigraph.evaluation.patch_truth._LINES_AT_ONCE", 12)
    monkeypatch.setattr("wsigraph.evaluation.patch_truth._LOOKUPS_AT_ONCE", 20)
    np.testing.assert_allclose(share_inside(outlines, coords, 20.0, lines=4), whole, atol=1e-12)
    order = rng.permutation(400)
    np.testing.assert_allclose(share_inside(outlines, coords[order], 20.0, lines=4), whole[order], atol=1e-12)


def test_no_outline_holds_nothing():
    empty = Outlines.of([])
    assert not empty.contain(np.zeros((3, 2))).any()
    assert share_inside(empty, np.zeros((3, 2)), 10.0).tolist() == [0, 0, 0]
    with pytest.raises(SlideError, match="at least one vertex"):
        _ = empty.box


def test_labels_by_share():
    share = np.array([0.0, 0.1, 0.4999, 0.5, 1.0])
    assert patch_labels(share).tolist() == [0, 0, 0, 1, 1]
    assert patch_labels(share, positive_from=0.75, negative_below=0.05).tolist() == [0, -1, -1, -1, 1]
    assert patch_labels(np.array([0.0]), positive_from=0.5, negative_below=0.0).tolist() == [-1]
    with pytest.raises(RecipeError, match=r"got 0\.6 above 0\.5"):
        patch_labels(share, negative_below=0.6)


def test_what_is_no_outline_is_refused():
    with pytest.raises(SlideError, match="finite vertices"):
        Outlines.of([np.array([[0, 0], [np.nan, 1], [1, 1]])])
    with pytest.raises(SlideError, match=r"vertices \[V, 2\] of 1 polygons"):
        Outlines(SQUARE, np.array([0, 3]), np.array([False]))
    with pytest.raises(RecipeError, match=r"got side 0\.0, 32 lines"):
        share_inside(Outlines.of([SQUARE]), np.zeros((1, 2)), 0.0)
