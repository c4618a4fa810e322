"""Nodes along a Hilbert curve: neighbours stay near, results return in input order."""

from __future__ import annotations

import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.order import _hilbert, orderly, reordered, space_filling_order
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError
from wsigraph.nn.layers.gat import GATLayer


def lattice(side):
    return torch.cartesian_prod(torch.arange(side), torch.arange(side))


@pytest.mark.parametrize("side", [2, 8, 64])
def test_the_curve_visits_every_cell_and_steps_to_a_neighbour(side):
    cells = lattice(side)
    place = _hilbert(cells[:, 0], cells[:, 1])
    assert sorted(place.tolist()) == list(range(side**2))
    walk = cells[place.argsort()]
    assert (walk.diff(dim=0).abs().sum(1) == 1).all()


def test_neighbours_in_space_are_near_in_memory():
    pos = lattice(60)[torch.randperm(3600, generator=torch.Generator().manual_seed(0))] * 512.0 + 99
    order = space_filling_order(pos)
    assert sorted(order.tolist()) == list(range(3600))
    apart = (pos[order].diff(dim=0) / 512).abs().sum(1)
    assert apart.mean() < 1.3
    assert apart.max() < 60


@pytest.mark.parametrize("pos", [torch.zeros(0, 2), torch.ones(5, 2), torch.tensor([[3.0, 4.0]])])
def test_none_one_and_coinciding_nodes_keep_their_order(pos):
    assert space_filling_order(pos).tolist() == list(range(len(pos)))


def test_positions_that_are_no_numbers_are_refused():
    with pytest.raises(GraphError, match="expected finite positions, got 1 of 2 that are not"):
        space_filling_order(torch.tensor([[0.0, float("nan")], [1.0, 2.0]]))


def made():
    generator = torch.Generator().manual_seed(1)
    edges = torch.randint(40, (2, 200), generator=generator)
    graph = SpatialGraph(
        torch.randn(40, 8, generator=generator, dtype=torch.float64),
        edges,
        pos=torch.rand(40, 2, generator=generator) * 1000,
        slide_id="a",
        node_y=torch.arange(40),
        edge_attr=torch.arange(200),
    )
    return graph, edges


def test_results_return_in_input_order():
    graph, edges = made()
    moved, inverse = reordered(graph)
    layer = GATLayer(8, 4, heads=2).double().eval()
    wanted = layer(graph.x, Adjacency.of(edges, 40))
    ours = layer(moved.x, Adjacency.of(moved.edge_index, 40))[inverse]
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-12)


def test_everything_moves_with_its_node_or_edge_and_the_given_graph_stays():
    graph, edges = made()
    moved, inverse = reordered(graph)
    assert moved.slide_id == "a"
    for name in ("x", "pos", "node_y"):
        assert torch.equal(moved[name][inverse], graph[name])
    back = torch.empty_like(inverse)
    back[inverse] = torch.arange(40)
    assert torch.equal(back[moved.edge_index.as_tensor()], edges[:, moved.edge_attr])
    assert moved.edge_index.is_sorted_by_col
    assert torch.equal(torch.as_tensor(graph.edge_index), edges)
    assert not torch.equal(moved.x, graph.x)


def slide(order):
    place = torch.arange(144)
    pos = torch.stack([place % 12, place // 12], dim=1).float()[order] * 256
    near = torch.cdist(pos, pos, p=torch.inf) <= 256
    return SpatialGraph(torch.arange(144.0)[order, None], near.nonzero().T.contiguous(), pos=pos)


def test_only_large_slides_in_no_order_are_moved(monkeypatch):
    shuffled = torch.randperm(144, generator=torch.Generator().manual_seed(0))
    assert orderly(slide(shuffled))[1] is None  # small
    monkeypatch.setattr("wsigraph.data.order.LEAST_NODES", 100)
    scan, kept = orderly(slide(torch.arange(144)))
    assert kept is None
    assert torch.equal(scan.x[:, 0], torch.arange(144.0))
    given = slide(shuffled)
    moved, inverse = orderly(given)
    assert torch.equal(moved.x[inverse], given.x)
    jumps = [one.pos.diff(dim=0).norm(dim=1).mean() for one in (moved, given)]
    assert jumps[0] < jumps[1] / 3
