"""Graphs written for other tools, read back with those tools: the same edges, places and features."""

from __future__ import annotations

import builtins
import math
import sys

import anndata
import networkx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, MissingExtraError
from wsigraph.graph.build import to_graph
from wsigraph.graph.export import to_data
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.io.anndata_file import to_anndata, write_anndata
from wsigraph.io.graphml_file import write_graphml
from wsigraph.io.pyg_file import write_pyg


@pytest.fixture(scope="module")
def graph():
    """A ragged piece of lattice, rows in no order, far from the origin."""
    rng = np.random.default_rng(0)
    cells = rng.permutation(np.argwhere(rng.random((7, 9)) < 0.8))
    x = rng.standard_normal((len(cells), 5)).astype(np.float16)
    known = {"patch_size_level0": 512.0, "patch_px": 256, "step_level0": 512.0, "encoder": "synthetic"}
    return to_graph(PatchFeatures("A1", x, cells * 512 + 100_001, mpp=0.25, **known))


def pairs(edge_index):
    return sorted(map(tuple, np.asarray(edge_index).T.tolist()))


def lengths(graph):
    """Distance by node pair, one at a time."""
    pos = graph.pos.double().tolist()
    return {(s, t): math.dist(pos[s], pos[t]) for s, t in pairs(graph.edge_index)}


def test_anndata_gives_the_same_graph_where_squidpy_looks_for_it(graph, tmp_path):
    write_anndata(tmp_path / "A1.h5ad", with_self_loops(graph))
    read = anndata.read_h5ad(tmp_path / "A1.h5ad")
    np.testing.assert_array_equal(read.X, graph.x.float().numpy())
    np.testing.assert_array_equal(read.obsm["spatial"], graph.pos.numpy())
    keys = read.uns["spatial_neighbors"]
    assert keys["connectivities_key"] == "spatial_connectivities"
    assert keys["distances_key"] == "spatial_distances"
    assert keys["params"]["n_neighbors"] == 8
    near, far = (read.obsp[keys[name]] for name in ("connectivities_key", "distances_key"))
    targets, sources = near.nonzero()  # a row holds the neighbours of its patch
    assert pairs(np.stack([sources, targets])) == pairs(graph.edge_index)
    assert set(near.data) == {1.0}
    assert (near.getnnz(axis=1) == np.bincount(graph.edge_index[1].numpy())).all()
    for (source, target), length in lengths(graph).items():
        assert far[target, source] == pytest.approx(length)
    assert read.uns["wsigraph"]["mpp"] == 0.25
    assert read.uns["wsigraph"]["slide_id"] == "A1"
    assert list(read.obs_names[:2]) == ["A1_0", "A1_1"]


def test_a_directed_edge_stands_in_the_row_of_its_target():
    made = to_anndata(
        SpatialGraph(torch.ones(2, 1), torch.tensor([[0], [1]]), pos=torch.tensor([[0.0, 0], [3, 4]]))
    )
    assert made.obsp["spatial_distances"].toarray().tolist() == [[0, 0], [5, 0]]


def test_an_unknown_mpp_stays_unknown(graph, tmp_path):
    unknown = SpatialGraph(graph.x, graph.edge_index, pos=graph.pos, slide_id="A1")
    write_anndata(tmp_path / "A1.h5ad", unknown)
    assert math.isnan(anndata.read_h5ad(tmp_path / "A1.h5ad").uns["wsigraph"]["mpp"])
    write_graphml(tmp_path / "A1.graphml", unknown)
    assert math.isnan(networkx.read_graphml(tmp_path / "A1.graphml").graph["mpp"])


def test_without_the_extra_the_error_names_it(graph, monkeypatch):
    monkeypatch.delitem(sys.modules, "anndata")
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "anndata":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'wsigraph\[scverse\]'"):
        to_anndata(graph)


def test_graphml_gives_the_same_edges_and_places(graph, tmp_path):
    write_graphml(tmp_path / "A1.graphml", with_self_loops(graph))
    read = networkx.read_graphml(tmp_path / "A1.graphml", node_type=int)
    assert sorted(read.nodes) == list(range(graph.num_nodes))
    for node, (x, y) in enumerate(graph.pos.tolist()):
        assert (read.nodes[node]["x"], read.nodes[node]["y"]) == (x, y)
    expected = lengths(graph)
    assert {frozenset(edge) for edge in read.edges} == {frozenset(edge) for edge in expected}
    for source, target, length in read.edges(data="length"):
        assert length == pytest.approx(expected[source, target])
    assert read.graph["slide_id"] == "A1"
    assert (read.graph["mpp"], read.graph["patch_size"]) == (0.25, 512.0)


def test_pyg_makes_its_own_data_of_the_file(graph, tmp_path):
    write_pyg(tmp_path / "A1.pt", graph)
    read = Data(**torch.load(tmp_path / "A1.pt", weights_only=True))
    assert torch.equal(read.x, graph.x)
    assert torch.equal(read.pos, graph.pos)
    assert torch.equal(read.edge_index, graph.edge_index.as_tensor())
    assert (read.slide_id, read.mpp, read.patch_size, read.encoder) == ("A1", 0.25, 512.0, "synthetic")
    expected = lengths(graph)
    for (source, target), length in zip(
        read.edge_index.T.tolist(), read.edge_attr[:, 0].tolist(), strict=True
    ):
        assert length == pytest.approx(expected[source, target])
    assert read.validate()
    assert type(to_data(graph)) is Data


@pytest.mark.parametrize("write", [write_anndata, write_graphml, write_pyg])
def test_a_graph_without_edges_or_places_is_refused_and_nothing_is_written(write, tmp_path):
    with pytest.raises(GraphError, match="SpatialGraph 'A1': expected edges and coordinates, got no edges"):
        write(tmp_path / "A1", SpatialGraph(torch.ones(2, 1), None, pos=torch.zeros(2, 2), slide_id="A1"))
    assert list(tmp_path.iterdir()) == []


def test_one_patch_is_a_graph_too(tmp_path):
    alone = to_graph(PatchFeatures("A1", np.ones((1, 3), np.float16), np.zeros((1, 2), np.int64)))
    for name, write in {"h5ad": write_anndata, "graphml": write_graphml, "pt": write_pyg}.items():
        write(tmp_path / f"A1.{name}", alone)
    assert anndata.read_h5ad(tmp_path / "A1.h5ad").obsp["spatial_connectivities"].nnz == 0
    assert len(networkx.read_graphml(tmp_path / "A1.graphml")) == 1
    assert torch.load(tmp_path / "A1.pt", weights_only=True)["edge_index"].shape == (2, 0)
