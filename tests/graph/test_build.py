"""Features become a graph that batches, describes itself and refuses nonsense."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError
from wsigraph.graph.build import to_graph
from wsigraph.graph.builders.edgeless import Edgeless
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.export import to_networkx


def square(side, *, step=512, at=(0, 0)):
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
    return grid * step + np.array(at)


def make(coords, *, slide_id="s", **facts):
    x = np.random.default_rng(0).normal(size=(len(coords), 5)).astype(np.float16)
    facts = {"patch_size_level0": 512.0, "step_level0": 512.0, "mpp": 0.25, "patch_px": 256} | facts
    return PatchFeatures(slide_id, x, np.asarray(coords, dtype=np.int64), **facts)


def test_values_and_dtypes():
    graph = to_graph(make(square(4, at=(100, 200)), encoder="stain_texture", target_mpp=0.5))
    assert graph.x.dtype == torch.float16
    assert graph.pos[0].tolist() == [356.0, 456.0]
    assert (graph.patch_size, graph.mpp, graph.patch_px, graph.encoder) == (512.0, 0.25, 256, "stain_texture")
    assert json.loads(graph.builder) == {"name": "knn", "k": 8, "ties": "keep", "max_steps": 3}
    assert isinstance(graph.edge_index, EdgeIndex)
    assert (graph.edge_index.sort_order, graph.edge_index.sparse_size()) == ("col", (16, 16))
    graph.edge_index.validate()
    assert not graph.has_self_loops()
    pairs = set(zip(*graph.edge_index.tolist(), strict=True))
    assert pairs == {(target, source) for source, target in pairs}


def test_centres_stay_exact_far_from_the_origin():
    graph = to_graph(make(square(3, at=(2**25 + 1, 2**25 + 3))))
    assert graph.pos.dtype == torch.float64
    assert graph.pos[0].tolist() == [2**25 + 257.0, 2**25 + 259.0]
    assert to_graph(make(square(3))).pos.dtype == torch.float32


def test_batches_keep_the_order_flag_and_come_apart_again():
    graphs = [to_graph(make(square(n), slide_id=f"s{n}")) for n in (1, 3, 5)]
    batch = Batch.from_data_list(graphs)
    assert batch.edge_index.sort_order == "col"
    assert batch.edge_index.sparse_size() == (35, 35)
    batch.edge_index.validate()
    for before, after in zip(graphs, batch.to_data_list(), strict=True):
        assert torch.equal(before.edge_index.as_tensor(), after.edge_index.as_tensor())
        assert after.card().num_edges == before.card().num_edges
        assert after.slide_id == before.slide_id


def test_a_loader_passes_graphs_on():
    from torch_geometric.loader import DataLoader

    graphs = [to_graph(make(square(n), slide_id=f"s{n}")) for n in (2, 3)]
    batch = next(iter(DataLoader(graphs, batch_size=2)))
    assert batch.edge_index.sort_order == "col"
    assert batch.slide_id == ["s2", "s3"]
    assert batch.mpp.tolist() == [0.25, 0.25]


def test_an_empty_slide_is_refused():
    with pytest.raises(GraphError, match="slide 's': expected at least one patch, got 0"):
        to_graph(make(np.empty((0, 2))))


def test_one_patch_is_a_graph_without_edges():
    card = to_graph(make(square(1))).card()
    assert (card.num_nodes, card.num_edges, card.isolated, card.components) == (1, 0, 1, 1)
    assert card.warnings == ()


def test_no_edges_among_several_patches_are_refused_unless_asked_for():
    """FIELD.md 2.1: a step that is wrong must not give a graph of lonely nodes in silence."""
    far = make([[0, 0], [512 * 40, 0], [0, 512 * 50]])
    with pytest.raises(GraphError, match="expected edges among 3 patches, got 0"):
        to_graph(far)
    card = to_graph(far, Edgeless()).card()
    assert card.num_edges == 0
    assert "no edges among 3 patches" in card.warnings[0]


def test_a_stated_step_that_contradicts_the_coordinates_is_replaced():
    """``patch_size`` taken for the step halves it: the lattice is found from the coordinates instead."""
    right = to_graph(make(square(6)))
    for wrong in (300.0, 1024.0):
        graph = to_graph(make(square(6), step_level0=wrong))
        assert torch.equal(graph.edge_index.as_tensor(), right.edge_index.as_tensor())


def test_two_fragments_five_millimetres_apart_stay_two_components():
    gap = round(5000 / 0.25)
    both = np.concatenate([square(6), square(5, at=(5 * 512 + gap, 0))])
    for step in (512.0, math.nan, 0.0):  # stated, inferred, given points
        card = to_graph(make(both, step_level0=step)).card()
        assert (card.components, card.isolated) == (2, 0)
        assert card.longest_edge < 4 * 512
    assert to_graph(make(both), KNN(k=8, ties="break")).card().components == 2


def test_isolated_patches_beyond_the_stated_share_are_a_warning():
    lonely = np.concatenate([square(5), [[512 * 30, 0], [0, 512 * 30], [512 * 30, 512 * 30]]])
    card = to_graph(make(lonely)).card()
    assert card.isolated == 3
    assert any("3 of 28 patches (11%) are isolated" in text for text in card.warnings)


def test_the_card_counts_by_itself():
    graph = to_graph(make(square(3)))
    loops = torch.arange(9).repeat(2, 1)
    graph.edge_index = torch.cat([graph.edge_index.as_tensor(), loops], dim=1)
    card = graph.card().to_dict()
    pos = graph.pos.numpy()
    away = np.linalg.norm(pos[:, None] - pos[None], axis=-1) / 512
    corners = (0, 2, 6, 8)  # k=8 of nine nodes reaches everyone
    assert card["num_edges"] == 72
    assert card["mean_degree"] == 8.0
    assert card["max_degree"] == 8
    assert card["longest_edge"] == pytest.approx(away[np.ix_(corners, corners)].max() * 512)
    assert (card["step"], card["step_confidence"], card["mpp"]) == (512.0, 1.0, 0.25)
    json.dumps(card)


def test_the_card_warns_of_what_is_unknown():
    points = np.random.default_rng(0).integers(0, 10**5, (40, 2))
    points[1] = points[0]
    card = to_graph(make(points, step_level0=math.nan, mpp=math.nan)).card()
    text = " ".join(card.warnings)
    assert "no sure lattice" in text
    assert "mpp unknown" in text
    assert "1 patches share coordinates" in text
    assert card.duplicates == 1


def test_unknown_patch_size_becomes_the_step_and_is_noted():
    graph = to_graph(make(square(4), patch_size_level0=math.nan, step_level0=math.nan))
    assert graph.patch_size == 512.0
    assert "taken as the lattice step" in graph.card().notes[0]


def test_networkx_export():
    graph = to_graph(make(square(3)), KNN(k=4))
    out = to_networkx(graph)
    assert sorted(out.nodes) == list(range(9))
    assert out.nodes[5]["pos"] == tuple(graph.pos[5].tolist())
    assert 2 * out.number_of_edges() == graph.edge_index.shape[1]
    assert out.edges[0, 1]["length"] == 512.0
    assert out.graph["slide_id"] == "s"
