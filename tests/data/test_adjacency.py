"""Edges among some nodes, into some of them, and with hubs: against lists of pairs."""

from __future__ import annotations

import torch

from wsigraph.data.adjacency import Adjacency


def random_adjacency(num_nodes, num_edges, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return Adjacency.of(torch.randint(num_nodes, (2, num_edges), generator=rng), num_nodes)


def pairs(adjacency):
    return sorted(map(tuple, adjacency.edge_index.T.tolist()))


def test_edges_into_some_nodes_keep_their_sources_and_renumber_their_targets():
    whole = random_adjacency(9, 40)
    rows = torch.tensor([True, False, True, True, False, False, True, False, False])
    some = whole.into(rows)
    number = {node: i for i, node in enumerate(torch.nonzero(rows).flatten().tolist())}
    assert pairs(some) == sorted((u, number[v]) for u, v in pairs(whole) if v in number)
    assert (some.num_nodes, some.num_sources) == (4, 9)
    assert len(some.by_target.ptr) == 5
    assert len(some.by_source.ptr) == 10
    assert bool((some.edge_index[1].diff() >= 0).all())


def test_hubs_are_joined_both_ways_with_the_nodes_of_their_graph_and_not_with_themselves():
    whole = random_adjacency(6, 14)
    batch = torch.tensor([0, 0, 0, 0, 1, 1])
    joined = whole.with_hubs(batch, 2)
    hubs = [(6, v) for v in range(4)] + [(7, 4), (7, 5)]
    assert pairs(joined) == sorted(pairs(whole) + hubs + [(v, hub) for hub, v in hubs])
    assert bool((joined.edge_index[1].diff() >= 0).all())
    assert joined.num_nodes == 8


def test_hubs_of_a_graph_without_edges():
    joined = Adjacency.of(torch.empty(2, 0, dtype=torch.long), 2).with_hubs(torch.tensor([0, 1]), 2)
    assert pairs(joined) == [(0, 2), (1, 3), (2, 0), (3, 1)]
