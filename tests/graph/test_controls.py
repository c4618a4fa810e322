"""What the controls keep and what they drop, on synthetic tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, RecipeError
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.builders.random_degree import RandomDegree
from wsigraph.graph.builders.shuffled import Shuffled

STEP = 256
BUILDERS = {"shuffled": Shuffled, "random_degree": RandomDegree}


@pytest.fixture(scope="module")
def tissue():
    """A disc with holes and a slide far away, 16 channels of noise."""
    rng = np.random.default_rng(5)
    grid = np.argwhere(np.ones((30, 30))) - 15
    cells = grid[((grid**2).sum(axis=1) < 200) & (rng.random(len(grid)) > 0.15)]
    x = rng.standard_normal((len(cells), 16)).astype(np.float32)
    return PatchFeatures("synthetic_a", x, cells * STEP, patch_size_level0=STEP, step_level0=STEP, mpp=0.5)


def degrees(graph):
    return np.bincount(graph.edge_index[1].numpy(), minlength=graph.num_nodes)


def edge_set(graph):
    return set(map(tuple, np.asarray(graph.edge_index).T.tolist()))


def mean_length(graph):
    """Of edges, between the true places of the patches."""
    source, target = np.asarray(graph.edge_index)
    return np.linalg.norm(graph.true[source] - graph.true[target], axis=1).mean()


def built(features, builder):
    graph = to_graph(features, builder)
    graph.true = features.coords
    return graph


@pytest.mark.parametrize("name", BUILDERS)
def test_a_control_keeps_the_patches_and_the_degrees_and_makes_neighbours_of_strangers(name, tissue):
    true, graph = built(tissue, KNN(k=8)), built(tissue, BUILDERS[name]({"name": "knn", "k": 8}, seed=3))
    np.testing.assert_array_equal(graph.x.numpy(), tissue.x)  # row for row, so the set is the same too
    np.testing.assert_array_equal(np.sort(degrees(graph)), np.sort(degrees(true)))
    assert len(edge_set(graph) & edge_set(true)) < 0.1 * true.num_edges
    assert mean_length(graph) > 5 * mean_length(true)
    found = edge_set(graph)
    assert all(a != b and (b, a) in found for a, b in found)
    assert graph.num_edges == len(found)


def test_random_degree_keeps_the_degree_of_each_patch_and_its_place(tissue):
    true, graph = built(tissue, KNN(k=8)), built(tissue, RandomDegree())
    np.testing.assert_array_equal(degrees(graph), degrees(true))
    np.testing.assert_array_equal(graph.pos, true.pos)
    assert "rewired" in graph.notes


def test_shuffled_is_the_true_graph_with_its_patches_exchanged(tissue):
    """Walked place by place: patch i took the place of patch p[i], and has p[i]'s neighbours."""
    true, graph = built(tissue, KNN(k=8)), built(tissue, Shuffled())
    at = {tuple(place): row for row, place in enumerate(true.pos.tolist())}
    took = [at[tuple(place)] for place in graph.pos.tolist()]
    assert sorted(took) == list(range(len(tissue)))
    assert took != sorted(took)
    assert {(took[a], took[b]) for a, b in edge_set(graph)} == edge_set(true)
    assert "dealt anew" in graph.notes


@pytest.mark.parametrize("name", BUILDERS)
def test_draws_depend_on_seed_and_slide_and_nothing_else(name, tissue):
    make = BUILDERS[name]
    first = edge_set(built(tissue, make(seed=1)))
    assert edge_set(built(tissue, make(seed=1))) == first
    assert edge_set(built(tissue, make(seed=2))) != first
    assert edge_set(built(replace(tissue, slide_id="synthetic_b"), make(seed=1))) != first
    order = np.random.default_rng(9).permutation(len(tissue))
    turned = built(replace(tissue, x=tissue.x[order], coords=tissue.coords[order]), make(seed=1))
    assert {(order[a], order[b]) for a, b in edge_set(turned)} == first


@pytest.mark.parametrize("name", BUILDERS)
def test_a_control_stands_in_the_recipe_by_name_and_refuses_what_cannot_be(name, tissue):
    builder = BUILDERS[name]({"name": "window", "rings": 1}, seed=4)
    values = {"name": name, "of": {"name": "window", "rings": 1}, "seed": 4}
    assert builder.to_dict() == values
    again = edge_set(built(tissue, BUILDERS[name](values["of"], seed=4)))
    assert edge_set(built(tissue, builder)) == again
    with pytest.raises(GraphError, match="seed >= 0"):
        BUILDERS[name](seed=-1)
    with pytest.raises(RecipeError, match="rings"):
        BUILDERS[name]({"name": "knn", "rings": 1})
    lone = replace(tissue, coords=tissue.coords * 10**4 // STEP, step_level0=1.0)
    with pytest.raises(GraphError, match="edges among"):
        to_graph(lone, BUILDERS[name]({"name": "radius", "um": 1.0}))
    assert to_graph(tissue, BUILDERS[name]("edgeless")).num_edges == 0


def test_shuffling_twice_is_a_deal_too(tissue):
    graph = built(tissue, Shuffled({"name": "shuffled", "seed": 1}, seed=2))
    once = built(tissue, Shuffled(seed=2))
    assert sorted(map(tuple, graph.pos.tolist())) == sorted(map(tuple, once.pos.tolist()))
    assert edge_set(graph) != edge_set(once)
    places = {tuple(place): row for row, place in enumerate(once.pos.tolist())}
    moved = [places[tuple(place)] for place in graph.pos.tolist()]
    assert {(moved[a], moved[b]) for a, b in edge_set(graph)} == edge_set(once)  # edges and places agree
