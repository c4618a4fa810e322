"""Edges of a batch in the orders that message passing walks them, derived once and shared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch_geometric import EdgeIndex


@dataclass(frozen=True)
class Order:
    """Edges grouped by one of their ends.

    Args:
        ptr: ``[N + 1]``; the edges of node i stand at ``ptr[i]:ptr[i + 1]``.
        other: ``[E]`` the other end of each edge.
        edge: ``[E]`` position of each edge in the target order.
    """

    ptr: Tensor
    other: Tensor
    edge: Tensor


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Edges among the nodes of a batch, or from all of them into some.

    Args:
        edge_index: ``[2, E]`` row 0 source -> row 1 target, a plain tensor sorted by target.
        num_nodes: Number of targets.
        num_sources: Number of sources; the same nodes as the targets where None.
    """

    edge_index: Tensor
    num_nodes: int
    num_sources: int | None = None

    @classmethod
    def of(cls, edge_index: Tensor, num_nodes: int) -> Adjacency:
        """Sort edges by target unless they say they are."""
        is_sorted = isinstance(edge_index, EdgeIndex) and edge_index.is_sorted_by_col
        edges = edge_index.as_tensor() if isinstance(edge_index, EdgeIndex) else edge_index
        if not is_sorted and edges.shape[1] > 1 and bool((edges[1].diff() < 0).any()):
            edges = edges[:, torch.argsort(edges[1], stable=True)]
        return cls(edges.contiguous(), num_nodes)

    @cached_property
    def by_target(self) -> Order:
        """Incoming edges of each target."""
        edge = torch.arange(self.edge_index.shape[1], device=self.edge_index.device)
        return Order(_ptr(self.edge_index[1], self.num_nodes), self.edge_index[0].contiguous(), edge)

    @cached_property
    def by_source(self) -> Order:
        """Outgoing edges of each source: the transpose, which the backward pass walks."""
        edge = torch.argsort(self.edge_index[0], stable=True)
        num_sources = self.num_nodes if self.num_sources is None else self.num_sources
        return Order(_ptr(self.edge_index[0], num_sources), self.edge_index[1][edge], edge)

    def into(self, rows: Tensor) -> Adjacency:
        """Only the edges into some nodes, which become targets 0, 1, ... in order.

        Args:
            rows: ``[num_nodes]`` bool, the targets to keep.
        """
        source, target = self.edge_index[:, rows[self.edge_index[1]]]
        renumbered = torch.cumsum(rows, 0) - 1
        num_sources = self.num_nodes if self.num_sources is None else self.num_sources
        return Adjacency(torch.stack([source, renumbered[target]]), int(rows.sum()), num_sources)

    def with_hubs(self, batch: Tensor, num_graphs: int) -> Adjacency:
        """One more node per graph, joined both ways with each of the graph's nodes and not with itself.

        The hubs are nodes N, N + 1, ...; the edge of a hub into a node comes last among the node's.

        Args:
            batch: ``[N]`` graph of each node, sorted.
            num_graphs: Number of graphs.
        """
        nodes = torch.arange(self.num_nodes, device=batch.device)
        hubs = self.num_nodes + batch
        target = self.edge_index[1]
        num_inner = len(target) + self.num_nodes
        edges = self.edge_index.new_empty(2, num_inner + self.num_nodes)
        edges[:, torch.arange(len(target), device=batch.device) + target] = self.edge_index
        edges[:, self.by_target.ptr[1:] + nodes] = torch.stack([hubs, nodes])
        edges[:, num_inner:] = torch.stack([nodes, hubs])
        return Adjacency(edges, self.num_nodes + num_graphs)


def _ptr(ends: Tensor, num_nodes: int) -> Tensor:
    if torch.compiler.is_exporting():  # bincount's length would depend on the numbers
        counts = ends.new_zeros(num_nodes).index_add_(0, ends, torch.ones_like(ends))
    else:
        counts = torch.bincount(ends, minlength=num_nodes)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
