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
    """Edges among the nodes of a batch.

    Args:
        edge_index: ``[2, E]`` row 0 source -> row 1 target, a plain tensor sorted by target.
        num_nodes: Number of nodes.
    """

    edge_index: Tensor
    num_nodes: int

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
        """Incoming edges of each node."""
        edge = torch.arange(self.edge_index.shape[1], device=self.edge_index.device)
        return Order(self._ptr(self.edge_index[1]), self.edge_index[0], edge)

    @cached_property
    def by_source(self) -> Order:
        """Outgoing edges of each node: the transpose, which the backward pass walks."""
        edge = torch.argsort(self.edge_index[0], stable=True)
        return Order(self._ptr(self.edge_index[0]), self.edge_index[1][edge], edge)

    def _ptr(self, ends: Tensor) -> Tensor:
        counts = torch.bincount(ends, minlength=self.num_nodes)
        return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
