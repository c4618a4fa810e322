"""Nodes of a slide in spatially coherent tiles, and what a tile needs around it to be exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency, Order


def tiles_of(pos: Tensor | None, num_nodes: int, *, max_nodes: int) -> list[Tensor]:
    """Cut a slide in halves, across its longer side, until no part has more than ``max_nodes`` nodes.

    Args:
        pos: ``[N, 2]`` coordinates; runs of nodes in their order where None.
        num_nodes: Number of nodes N.
        max_nodes: Nodes of a tile at most.

    Returns: The nodes of each tile, ascending; every node stands in one tile.
    """
    points = np.stack([np.arange(num_nodes)] * 2, 1) if pos is None else pos.detach().cpu().double().numpy()
    waiting, done = [np.arange(num_nodes)], []
    while waiting:
        part = waiting.pop()
        if len(part) <= max_nodes:
            done.append(torch.from_numpy(np.sort(part)))
            continue
        axis = int(np.ptp(points[part], axis=0).argmax())
        half = len(part) // 2
        order = np.argpartition(points[part, axis], half)
        waiting += [part[order[half:]], part[order[:half]]]
    return [tile for tile in done if len(tile)]


@dataclass(frozen=True)
class Surrounded:
    """A tile with what its nodes hear of.

    Args:
        nodes: ``[n]`` the tile and its halo, ascending.
        own: ``[n]`` bool, which of them are the tile's own.
        adjacency: Among the n nodes, all edges that the tile's own nodes hear through.
    """

    nodes: Tensor
    own: Tensor
    adjacency: Adjacency


def surrounded(adjacency: Adjacency, tile: Tensor, *, hops: int) -> Surrounded:
    """A tile and its halo: every node from which one of the tile can be reached in ``hops`` edges.

    Message passing of that many rounds gives the tile's own nodes what it gives them on the whole graph; the
    halo's rows are not to be read.

    Args:
        adjacency: Edges of the whole graph.
        tile: Nodes of the tile, ascending.
        hops: Rounds of message passing.
    """
    incoming = adjacency.by_target
    nodes, targets, sources = tile, tile[:0], tile[:0]
    for _ in range(hops):
        targets, sources = _edges_into(incoming, nodes)
        nodes = torch.unique(torch.cat([nodes, sources]))
    place = tile.new_empty(adjacency.num_nodes)
    place[nodes] = torch.arange(len(nodes), device=tile.device)
    own = torch.zeros(len(nodes), dtype=torch.bool, device=tile.device).index_fill_(0, place[tile], True)
    return Surrounded(nodes, own, Adjacency(torch.stack([place[sources], place[targets]]), len(nodes)))


def _edges_into(incoming: Order, nodes: Tensor) -> tuple[Tensor, Tensor]:
    """Targets and sources of all edges into ``nodes``, sorted by target."""
    first = incoming.ptr[nodes]
    counts = incoming.ptr[nodes + 1] - first
    targets = torch.repeat_interleave(nodes, counts)
    before = torch.cumsum(counts, 0) - counts
    within = torch.arange(len(targets), device=nodes.device) - torch.repeat_interleave(before, counts)
    return targets, incoming.other[torch.repeat_interleave(first, counts) + within]
