"""What a mask draw is: floor(rate n) patches of each slide, chosen in one way."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from wsigraph.nn.views.base import Nodes
from wsigraph.registry import Part


class MaskDraw(Part, ABC, family="mask", package="wsigraph.nn.masks"):
    """One way to choose the patches that a masked view hides; it has no weights.

    Attributes:
        attends: Name of the view whose attention it asks for (``nodes.attention``), or None.
    """

    attends: str | None = None

    @abstractmethod
    def draw(self, nodes: Nodes, *, rate: float) -> Tensor:
        """Hide exactly floor(rate n) of each slide's n patches: ``[N]`` bool."""


def first_per_slide(order: Tensor, nodes: Nodes, *, wanted: Tensor) -> Tensor:
    """The first nodes of each slide in an order.

    Args:
        order: ``[N]`` all nodes, the first to take first.
        nodes: Says which slide each node belongs to.
        wanted: ``[B]`` how many of each slide.

    Shape: ``[N]`` bool.
    """
    by_slide = order[torch.argsort(nodes.batch[order], stable=True)]
    counts = torch.bincount(nodes.batch, minlength=nodes.num_graphs)
    starts = torch.cumsum(counts, 0) - counts
    rank = torch.empty_like(by_slide)
    rank[by_slide] = torch.arange(len(order), device=order.device) - starts[nodes.batch[by_slide]]
    return rank < wanted[nodes.batch]


def share_of(nodes: Nodes, *, rate: float) -> Tensor:
    """floor(rate n) of each slide: ``[B]``."""
    counts = torch.bincount(nodes.batch, minlength=nodes.num_graphs)
    # the small term keeps floor(0.7 * 10) at 7 where 0.7 * 10 is rounded to 6.999...
    return torch.floor(counts * rate + 1e-9).long()


def random_order(nodes: Nodes) -> Tensor:
    """All nodes in random order: ``[N]``."""
    return torch.argsort(torch.rand(nodes.batch.shape[0], device=nodes.batch.device))
