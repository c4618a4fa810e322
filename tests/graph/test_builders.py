"""Every builder keeps the house's promises; k-NN equals a brute-force reference."""

from __future__ import annotations

import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.builders.delaunay import Delaunay
from wsigraph.graph.builders.edgeless import Edgeless
from wsigraph.graph.builders.feature_knn import FeatureKNN
from wsigraph.graph.builders.given import Given
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.builders.radius import Radius
from wsigraph.graph.builders.random_degree import RandomDegree
from wsigraph.graph.builders.shuffled import Shuffled
from wsigraph.graph.builders.window import Window
from wsigraph.testing.graph_builders import check_graph_builder

BUILDERS = {
    "knn": [KNN(), KNN(k=4), KNN(k=8, ties="break"), KNN(k=3, max_steps=10)],
    "window": [Window(), Window(rings=1)],
    "radius": [Radius(um=300.0)],
    "delaunay": [Delaunay()],
    "feature_knn": [FeatureKNN(k=5)],
    "edgeless": [Edgeless()],
    "given": [Given()],
    "shuffled": [
        Shuffled(),
        Shuffled("given"),
        Shuffled({"name": "window", "rings": 1}, seed=2),
        Shuffled("edgeless"),
    ],
    "random_degree": [RandomDegree(), RandomDegree({"name": "delaunay"}, seed=2)],
}


def described(builder):
    """Name and options: ids that are the same in every test process."""
    return "-".join(str(value) for value in builder.to_dict().values())


def make(coords, *, step=512.0, mpp=0.25, x=None):
    coords = np.asarray(coords, dtype=np.int64).reshape(-1, 2)
    x = np.zeros((len(coords), 3), dtype=np.float32) if x is None else x
    return PatchFeatures("s", x, coords, step_level0=step, patch_size_level0=step or 64.0, mpp=mpp)


def edge_set(index):
    return set(zip(*np.asarray(index).tolist(), strict=True))


def brute_knn(coords, k, reach):
    """Every pair compared; integers squared, so ties are exact."""
    found = set()
    points = [tuple(c) for c in np.asarray(coords).tolist()]
    for i, (x, y) in enumerate(points):
        others = sorted({(p[0] - x) ** 2 + (p[1] - y) ** 2 for p in set(points) if p != (x, y)})
        near = sorted((p[0] - x) ** 2 + (p[1] - y) ** 2 for p in set(points) if p != (x, y))
        limit = min(near[k - 1] if len(near) >= k else (others[-1] if others else 0), reach**2)
        for j, (u, v) in enumerate(points):
            if i != j and (u - x) ** 2 + (v - y) ** 2 <= limit:
                found |= {(i, j), (j, i)}
    return found


cells = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=0, max_size=60)


def test_every_registered_builder_is_checked():
    assert set(BUILDERS) == set(GraphBuilder.registry.names())


@pytest.mark.parametrize("builder", [b for group in BUILDERS.values() for b in group], ids=described)
def test_conformance(builder):
    check_graph_builder(builder)


def test_the_kit_catches_a_builder_that_depends_on_row_order():
    class RowOrder(KNN):
        def edges(self, features):
            index = np.array([[0, 1], [1, 0]]) if len(features) > 1 else np.empty((2, 0), dtype=np.int64)
            return Edges(index)

    with pytest.raises(GraphError, match="order of rows"):
        check_graph_builder(RowOrder())


@settings(max_examples=80, deadline=None)
@given(cells, st.integers(1, 12), st.sampled_from([1, 2, 3, 5, 8]))
def test_knn_on_a_lattice_equals_brute_force(points, k, max_steps):
    coords = np.array(points, dtype=np.int64).reshape(-1, 2) * 512
    expected = brute_knn(coords, k, 512 * max_steps)
    assert edge_set(KNN(k=k, max_steps=max_steps).edges(make(coords)).index) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=2, max_size=50),
    st.integers(1, 9),
)
def test_knn_of_given_points_equals_brute_force(points, k):
    coords = np.array(points, dtype=np.int64)
    distinct = np.unique(coords, axis=0).astype(float)
    gaps = np.linalg.norm(distinct[:, None] - distinct[None], axis=-1) + np.diag([np.inf] * len(distinct))
    reach = 3 * np.median(gaps.min(axis=1)) if len(distinct) > 1 else 0.0
    expected = brute_knn(coords, k, reach * (1 + 1e-9))
    assert edge_set(KNN(k=k).edges(make(coords, step=0.0)).index) == expected


@settings(max_examples=40, deadline=None)
@given(cells, st.integers(0, 2**32 - 1), st.integers(-(10**6), 10**6), st.integers(0, 3))
def test_knn_ignores_row_order_translation_and_quarter_turns(points, seed, move, turns):
    coords = np.array(points, dtype=np.int64).reshape(-1, 2) * 448
    order = np.random.default_rng(seed).permutation(len(coords))
    moved = coords[order] + np.array([move, -3 * move])
    for _ in range(turns):
        moved = np.stack([-moved[:, 1], moved[:, 0]], axis=1)
    before = edge_set(KNN().edges(make(coords, step=448.0)).index)
    assert edge_set(order[KNN().edges(make(moved, step=448.0)).index]) == before


def test_breaking_ties_would_change_with_a_turn_but_keeping_them_does_not():
    """FIELD.md 2.2: on a full square most nodes have ties at k=6; the tree's answer follows row order."""
    from scipy.spatial import cKDTree

    grid = np.stack(np.meshgrid(np.arange(30), np.arange(30)), axis=-1).reshape(-1, 2)
    order = np.random.default_rng(0).permutation(len(grid))
    _, first = cKDTree(grid).query(grid, k=7)
    _, second = cKDTree(grid[order]).query(grid[order], k=7)
    back = np.empty_like(first)
    back[order] = order[second]
    changed = np.mean([set(a) != set(b) for a, b in zip(first, back, strict=True)])
    assert changed > 0.2  # the defect exists in the tree
    before = edge_set(KNN(k=6).edges(make(grid * 512)).index)
    assert edge_set(order[KNN(k=6).edges(make(grid[order] * 512)).index]) == before


def test_break_gives_exactly_k_before_the_union():
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1).reshape(-1, 2) * 512
    index = KNN(k=6, ties="break").edges(make(grid)).index
    degree = np.bincount(index[1])
    assert degree.min() >= 6
    assert index.shape[1] < KNN(k=6).edges(make(grid)).index.shape[1]
    tree = KNN(k=6, ties="break", max_steps=7).edges(make(grid)).index  # beyond the reach of offsets
    assert edge_set(tree) == edge_set(index)


@pytest.mark.parametrize("num", [0, 1, 2, 8, 9])
def test_sizes_around_k(num):
    coords = np.stack([np.arange(num) % 3, np.arange(num) // 3], axis=1) * 512
    index = KNN(k=8).edges(make(coords)).index
    assert edge_set(index) == set(permutations(range(num), 2))


def test_duplicates_never_replace_a_real_neighbour():
    """FIELD.md 2.3: with duplicated rows the neighbours of the others stay what they were."""
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(5)), axis=-1).reshape(-1, 2) * 512
    copies = np.concatenate([grid, grid[::2], grid[:5]])
    plain = edge_set(KNN().edges(make(grid)).index)
    doubled = edge_set(KNN().edges(make(copies)).index)
    assert {(a, b) for a, b in doubled if a < len(grid) and b < len(grid)} == plain
    assert all(a != b for a, b in doubled)
    assert (0, 25) in doubled  # the copy of row 0 is its neighbour


def test_all_patches_on_one_position():
    assert KNN().edges(make(np.zeros((20, 2)))).index.shape[1] == 20 * 19
    with pytest.raises(GraphError, match="share coordinates"):
        KNN().edges(make(np.zeros((3000, 2))))


def test_rounded_steps_count_as_one_lattice():
    """A step of 511.7 px leaves coordinates off by a pixel; indices see through it."""
    grid = np.stack(np.meshgrid(np.arange(20), np.arange(20)), axis=-1).reshape(-1, 2)
    rounded = np.round(grid * 511.7).astype(np.int64)
    assert edge_set(KNN().edges(make(rounded, step=511.7)).index) == edge_set(
        KNN().edges(make(grid * 512)).index
    )


def test_window_is_the_chebyshev_ball():
    rng = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(np.arange(9), np.arange(9)), axis=-1).reshape(-1, 2)
    grid = grid[rng.random(len(grid)) > 0.3]
    away = np.abs(grid[:, None] - grid[None]).max(axis=-1)
    expected = {(i, j) for i, j in zip(*np.nonzero((away > 0) & (away <= 2)), strict=True)}
    assert edge_set(Window(rings=2).edges(make(grid * 512)).index) == expected


def test_window_refuses_given_points():
    points = np.random.default_rng(0).integers(0, 10**5, (50, 2))
    with pytest.raises(GraphError, match="one lattice"):
        Window().edges(make(points, step=0.0))


def test_radius_counts_micrometres_and_includes_the_border():
    coords = [[0, 0], [400, 0], [1001, 0]]
    assert edge_set(Radius(um=100.0).edges(make(coords, mpp=0.25)).index) == {(0, 1), (1, 0)}
    with pytest.raises(GraphError, match="--slide-mpp"):
        Radius(um=100.0).edges(make(coords, mpp=float("nan")))
    grid = np.stack(np.meshgrid(np.arange(60), np.arange(60)), axis=-1).reshape(-1, 2)
    with pytest.raises(GraphError, match="smaller radius"):
        Radius(um=1e6).edges(make(grid * 512))


def test_feature_knn_follows_features_not_space():
    x = np.array([[0, 0], [10, 0], [0.1, 0], [10.1, 0]], dtype=np.float32)
    index = FeatureKNN(k=1).edges(make([[0, 0], [512, 0], [9999, 0], [512, 512]], x=x)).index
    assert edge_set(index) == {(0, 2), (2, 0), (1, 3), (3, 1)}


def test_feature_knn_of_identical_features_stays_small():
    grid = np.stack(np.meshgrid(np.arange(20), np.arange(20)), axis=-1).reshape(-1, 2) * 512
    assert FeatureKNN(k=3).edges(make(grid)).index.shape[1] <= 2 * 3 * 400


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: KNN(k=0), "k >= 1"),
        (lambda: KNN(ties="random"), "keep"),
        (lambda: Window(rings=0), "rings"),
        (lambda: Radius(um=-1.0), "um > 0"),
        (lambda: Delaunay(max_steps=0), "max_steps"),
        (lambda: FeatureKNN(k=0), "k >= 1"),
    ],
)
def test_arguments_out_of_range_are_refused(call, words):
    with pytest.raises(GraphError, match=words):
        call()


@pytest.mark.parametrize(
    "builder",
    [KNN(), KNN(k=4, max_steps=8), Window(), Radius(um=300.0), Delaunay(), FeatureKNN(k=4)],
    ids=lambda builder: builder.name,
)
@settings(max_examples=20, deadline=None)
@given(cells, st.integers(-(10**6), 10**6), st.integers(1, 3))
def test_where_the_tissue_lies_and_how_it_is_turned_does_not_matter(builder, points, move, turns):
    coords = np.array(sorted(set(points)), dtype=np.int64).reshape(-1, 2) * 448
    x = np.random.default_rng(0).normal(size=(len(coords), 5)).astype(np.float32)
    moved = coords + np.array([move, -3 * move])
    for _ in range(turns):
        moved = np.stack([-moved[:, 1], moved[:, 0]], axis=1)
    before = builder.edges(make(coords, step=448.0, x=x)).index
    after = builder.edges(make(moved, step=448.0, x=x)).index
    assert edge_set(before) == edge_set(after)


@pytest.mark.parametrize("step", [512.0, 0.0])
def test_memory_grows_with_edges_not_with_pairs(step):
    """FIELD.md 2.4: asking for all pairs of 20,000 patches would take 6 GB."""
    grid = np.stack(np.meshgrid(np.arange(200), np.arange(100)), axis=-1).reshape(-1, 2) * 512
    features = make(grid, step=step)
    tracemalloc.start()
    KNN().edges(features)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
