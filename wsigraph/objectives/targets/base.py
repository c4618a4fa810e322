"""What a target is: a row per hidden patch that its decoder should point at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.registry import Part

TINY = 1e-6
"""Rows shorter than this share of their inputs are rounding, and have no direction."""


@dataclass(frozen=True)
class Wanted:
    """Targets of some patches.

    Args:
        values: ``[M, C]`` one row per patch.
        known: ``[M]`` bool, rows that count; None where all do.
    """

    values: Tensor
    known: Tensor | None = None


class Target(Part, ABC, family="target", package="wsigraph.objectives.targets"):
    """A target of the reconstruction term; it has no weights and no gradient."""

    @abstractmethod
    def of(self, inputs: Tensor, adjacency: Adjacency, rows: Tensor) -> Wanted:
        """Targets of the patches in ``rows``.

        Args:
            inputs: ``[N, C]`` standardised features.
            adjacency: Edges among the patches.
            rows: ``[N]`` bool, the patches asked for.
        """


def without_loops(adjacency: Adjacency) -> Adjacency:
    """The edges between different nodes: a node is no neighbour of its own."""
    edges = adjacency.edge_index
    return Adjacency(edges[:, edges[0] != edges[1]].contiguous(), adjacency.num_nodes)


def neighbour_means(inputs: Tensor, adjacency: Adjacency, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the neighbours of some patches, and whether they have any.

    Shape: ``[M, C]``, ``[M]`` bool.
    """
    into = without_loops(adjacency).into(rows)
    return aggregate(inputs, adjacency=into, reduce="mean"), into.by_target.ptr.diff() > 0


def has_direction(values: Tensor, inputs: Tensor) -> Tensor:
    """Rows that are more than rounding beside the inputs they were made from: ``[M]`` bool."""
    return values.norm(dim=1) > TINY * inputs.norm(dim=1).clamp(min=torch.finfo(inputs.dtype).tiny)
