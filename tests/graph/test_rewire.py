"""Rewiring keeps degrees and nothing else, and random graphs come out about equally often."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.graph.rewire import rewire


def random_pairs(rng, num_nodes, share):
    """Every pair of nodes with the same probability."""
    first, second = np.triu_indices(num_nodes, k=1)
    kept = rng.random(first.size) < share
    return np.stack([first[kept], second[kept]])


def as_set(pairs):
    return {frozenset(pair) for pair in pairs.T.tolist()}


def cycles(pairs, num_nodes):
    """Number of pieces of the graph, counted by walking it."""
    near = {node: set() for node in range(num_nodes)}
    for a, b in pairs.T.tolist():
        near[a].add(b)
        near[b].add(a)
    left, pieces = set(near), 0
    while left:
        pieces += 1
        walk = [left.pop()]
        while walk:
            found = near[walk.pop()] & left
            left -= found
            walk.extend(found)
    return pieces


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(0.0, 1.0))
def test_degrees_are_kept_and_the_graph_stays_simple(seed, num_nodes, share):
    rng = np.random.default_rng(seed)
    before = random_pairs(rng, num_nodes, share)
    after = rewire(before, num_nodes, rng=rng)
    np.testing.assert_array_equal(
        np.bincount(before.ravel(), minlength=num_nodes), np.bincount(after.ravel(), minlength=num_nodes)
    )
    assert (after[0] != after[1]).all()
    assert len(as_set(after)) == before.shape[1]


def test_little_is_left_of_a_sparse_graph():
    """Of a ring lattice of degree 8, an edge is met again about as often as by chance, 8 / 2,000."""
    nodes = np.arange(2000)
    before = np.concatenate([np.stack([nodes, (nodes + step) % 2000]) for step in (1, 2, 3, 4)], axis=1)
    after = rewire(before, 2000, rng=np.random.default_rng(0))
    assert len(as_set(before) & as_set(after)) / before.shape[1] < 0.012
    assert cycles(before, 2000) == cycles(after, 2000) == 1


def test_graphs_of_the_same_degrees_come_out_about_equally_often():
    """Six nodes of degree two: 60 hexagons and 10 pairs of triangles, each 1 in 70."""
    nodes = np.arange(6)
    ring = np.stack([nodes, (nodes + 1) % 6])
    rng, draws = np.random.default_rng(3), 1400
    found = Counter(frozenset(as_set(rewire(ring, 6, rng=rng))) for _ in range(draws))
    apart = sum(n for graph, n in found.items() if cycles(np.array([sorted(e) for e in graph]).T, 6) == 2)
    assert len(found) == 70
    assert apart / draws == pytest.approx(1 / 7, abs=0.04)


def test_a_complete_graph_has_no_other_of_its_degrees():
    before = random_pairs(np.random.default_rng(0), 7, 1.1)
    assert as_set(rewire(before, 7, rng=np.random.default_rng(1))) == as_set(before)
