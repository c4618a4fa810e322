"""Slides under two names are found by their statistics, and others are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import LeakError
from wsigraph.training.near_duplicates import Pair, check_near, near_duplicates
from wsigraph.training.splits import Split


def statistics(slides):
    return np.stack([x.mean(0) for x in slides]), np.stack([x.std(0) for x in slides])


def by_loops(means, deviations):
    """Distances of all pairs, one number at a time."""
    rows = [[*m, *d] for m, d in zip(means.tolist(), deviations.tolist(), strict=True)]
    columns = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        spread = (sum((value - mean) ** 2 for value in column) / len(column)) ** 0.5
        if spread > 0:
            columns.append([value / spread for value in column])
    return {
        (i, j): (sum((c[i] - c[j]) ** 2 for c in columns) / len(columns)) ** 0.5
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
    }


@given(seed=st.integers(0, 10_000), within=st.floats(0.5, 2.0))
@settings(max_examples=25, deadline=None)
def test_the_distance_is_that_of_plain_loops(seed, within):
    rng = np.random.default_rng(seed)
    means, deviations = rng.normal(size=(7, 3)), rng.random((7, 3))
    deviations[:, 1] = 0.5  # the same on all slides: it tells nothing
    expected = {pair: d for pair, d in by_loops(means, deviations).items() if d <= within}
    found = {(p.first, p.second): p.distance for p in near_duplicates(means, deviations, within=within)}
    assert found == pytest.approx(expected)


def test_a_random_pair_is_root_two_apart():
    rng = np.random.default_rng(0)
    means, deviations = rng.normal(size=(150, 8)), rng.random((150, 8))
    squares = [p.distance**2 for p in near_duplicates(means, deviations, within=9.0)]
    assert len(squares) == 150 * 149 // 2
    assert np.mean(squares) == pytest.approx(2 * 150 / 149, rel=1e-9)


def test_a_slide_tiled_again_is_found_among_two_hundred():
    rng = np.random.default_rng(1)

    def slide(patches):
        return rng.normal(rng.normal(scale=0.5, size=32), rng.uniform(0.7, 1.3, 32), (patches, 32))

    slides, field = [slide(400) for _ in range(200)], slide(820)
    slides += [field[:810], field[10:]]  # most of the tissue is the same
    assert [(p.first, p.second) for p in near_duplicates(*statistics(slides))] == [(200, 201)]


def test_of_two_slides_and_of_slides_all_alike_nothing_is_said():
    assert near_duplicates(np.zeros((2, 3)), np.ones((2, 3))) == []
    assert near_duplicates(np.full((5, 3), 0.1), np.ones((5, 3))) == []
    equal = near_duplicates(np.array([[0.0], [0.0], [1.0]]), np.ones((3, 1)), within=0.0)
    assert [(p.first, p.second, p.distance) for p in equal] == [(0, 1, 0.0)]


def test_a_pair_may_stand_on_one_side_only():
    pairs, names = [Pair(0, 3, 0.02)], ["A", "B", "C", "A again"]
    check_near(Split(0, 0, (0, 3), (1,), (2,)), names, pairs)
    check_near(Split(0, 0, (0, 2), (1,), ()), names, pairs)  # one of them is not used
    with pytest.raises(
        LeakError, match=r"Fold 1 of repeat 0.*'A' in train and 'A again' in test, 0.02 apart"
    ):
        check_near(Split(0, 1, (0, 2), (1,), (3,)), names, pairs)
