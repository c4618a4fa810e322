"""Mean pooling."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator


class Mean(Aggregator, name="mean"):
    r"""Average the patches of a slide.

    .. math::  z = \frac1n \sum_i x_i

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
        bags.require_rows(where="Mean")
        return Aggregated(bags.mean(x))
