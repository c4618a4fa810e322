"""Max pooling."""

from __future__ import annotations

import math

from torch import Tensor

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator


class Max(Aggregator, name="max"):
    r"""Keep the largest value of each channel.

    .. math::  z_c = \max_i x_{ic}

    Where several patches share the largest value, they share its gradient.

    Args:
        in_channels: Channels of each node.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, in_channels]``; no attention.
    Raises: GraphError: if a slide has no node.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.out_channels = in_channels

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="Max")
        lowest = x.new_full((bags.num_graphs, x.shape[1]), -math.inf)
        slide = bags.batch.unsqueeze(1).expand_as(x)
        return Aggregated(lowest.scatter_reduce(0, slide, x, reduce="amax"))
