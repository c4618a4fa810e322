"""A window is the nearest patches and exactly the edges among them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric import EdgeIndex

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.graph.spatial_window import spatial_window
from wsigraph.synthetic.features import arrangement_cohort


@pytest.fixture(scope="module")
def slide():
    features = arrangement_cohort(1, seed=3, grid=12).features[0]
    graph = with_self_loops(to_graph(features, KNN(k=8)))
    graph.y = torch.tensor([1])
    graph.number = torch.arange(graph.num_nodes)
    graph.edge_number = torch.arange(graph.num_edges)
    return graph


def pairs(graph, names):
    source, target = torch.as_tensor(graph.edge_index).as_subclass(torch.Tensor)
    return {(int(names[a]), int(names[b])) for a, b in zip(source, target, strict=True)}


@pytest.mark.parametrize("seed_node", [0, 17, 60])
@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_the_nearest_patches_and_all_edges_among_them(slide, seed_node, size):
    window = spatial_window(slide, seed_node, size)
    kept = window.number
    assert len(kept) == size
    assert seed_node in kept
    distance = torch.linalg.vector_norm(slide.pos.double() - slide.pos[seed_node].double(), dim=1)
    left_out = torch.ones(slide.num_nodes, dtype=torch.bool).index_fill_(0, kept, False)
    assert distance[kept].max() <= distance[left_out].min()
    inside = set(kept.tolist())
    among = {(a, b) for a, b in pairs(slide, slide.number) if a in inside and b in inside}
    assert pairs(window, kept) == among
    assert window.num_edges == len(among)
    assert torch.equal(window.x, slide.x[kept])
    assert torch.equal(window.pos, slide.pos[kept])
    old = torch.as_tensor(slide.edge_index).as_subclass(torch.Tensor)[:, window.edge_number]
    assert torch.equal(kept[torch.as_tensor(window.edge_index).as_subclass(torch.Tensor)], old)


def test_what_belongs_to_the_slide_stays_and_the_slide_is_not_changed(slide):
    before = slide.clone()
    window = spatial_window(slide, 5, 30)
    assert (window.slide_id, window.patch_size, window.mpp) == (slide.slide_id, slide.patch_size, slide.mpp)
    assert window.builder == slide.builder
    assert torch.equal(window.y, slide.y)
    assert isinstance(window.edge_index, EdgeIndex)
    assert window.edge_index.is_sorted_by_col
    assert window.edge_index.validate().sparse_size() == (30, 30)
    assert torch.equal(slide.x, before.x)
    assert slide.num_edges == before.num_edges


@pytest.mark.parametrize("more", [0, 1, 1000])
def test_a_slide_of_no_more_patches_comes_back_as_it_is(slide, more):
    assert spatial_window(slide, 3, slide.num_nodes + more) is slide


def test_plain_edges_stay_plain_and_sorted_and_a_slide_may_have_none(slide):
    plain = SpatialGraph(slide.x, slide.edge_index.as_tensor(), pos=slide.pos)
    window = spatial_window(plain, 5, 30)
    assert type(window.edge_index) is torch.Tensor
    assert bool((window.edge_index[1].diff() >= 0).all())
    assert spatial_window(SpatialGraph(slide.x, None, pos=slide.pos), 5, 30).edge_index is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_the_order_of_rows_decides_nothing(seed, size):
    draw = np.random.default_rng(seed)
    cells = draw.permutation(36)[:25]
    pos = torch.from_numpy(np.stack([cells % 6, cells // 6], 1) * 256.0)
    order = torch.from_numpy(draw.permutation(25))
    x = torch.arange(25.0).unsqueeze(1)
    one = spatial_window(SpatialGraph(x, None, pos=pos), int(order[0]), size)
    other = spatial_window(SpatialGraph(x[order], None, pos=pos[order]), 0, size)
    assert set(one.x.flatten().tolist()) == set(other.x.flatten().tolist())


@pytest.mark.parametrize(("seed_node", "size"), [(-1, 5), (10_000, 5), (0, 0)])
def test_what_cannot_be_is_refused(slide, seed_node, size):
    with pytest.raises(GraphError, match="Window of slide 'synthetic_000': expected"):
        spatial_window(slide, seed_node, size)
