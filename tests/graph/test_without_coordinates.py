"""A slide whose patches lie nowhere known: a set, and whatever needs places says so with its name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.order import orderly
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, GraphError
from wsigraph.evaluation.heatmap import attention_heatmap
from wsigraph.graph.base import GraphBuilder
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.edgeless import Edgeless
from wsigraph.graph.export import plain_edges, to_networkx
from wsigraph.graph.spatial_window import spatial_window

NOWHERE = np.empty((0, 2), dtype=np.int64)
X = np.random.default_rng(0).normal(size=(20_000, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def features():
    return PatchFeatures("lost", X, NOWHERE)


def test_coordinates_are_all_or_none():
    with pytest.raises(FeatureError, match=r"coords of shape \[3, 2\] \(3 rows of x\), got \[2, 2\]"):
        PatchFeatures("s", X[:3], np.zeros((2, 2), np.int64))


@pytest.mark.parametrize("name", sorted(GraphBuilder.registry.names()))
def test_builders_that_use_coordinates_refuse_by_name(features, name):
    builder = GraphBuilder.registry.get(name)(**({"um": 50.0} if name == "radius" else {}))
    if not builder.uses_coords:
        assert to_graph(features, builder).pos is None
        return
    with pytest.raises(GraphError, match=rf"slide 'lost'.*coordinates of 20000 patches.*builder '{name}'"):
        to_graph(features, builder)


def test_what_reads_places_says_so(features):
    graph = to_graph(features, Edgeless())
    assert orderly(graph) == (graph, None)  # enough rows to be put in order, had they places
    for needs_places in (
        lambda: attention_heatmap(graph, torch.ones(len(X))),
        lambda: spatial_window(graph, 0, 10),
        lambda: to_networkx(graph),
        lambda: plain_edges(graph),
    ):
        with pytest.raises(GraphError, match=r"'lost': expected .*coordinates.*, got (none|no coordinates)"):
            needs_places()
    assert spatial_window(graph, 0, len(X)) is graph
