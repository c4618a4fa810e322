"""Mean pooling."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.aggregators.gated_attention import refuse_empty


class Mean(Aggregator, name="mean"):
    r"""Average the patches of a slide.

    .. math::  z = \frac1n \sum_i x_i

    Args:
        in_channels: Channels of each node.

    Shape: x ``[N, in_channels]``, batch ``[N]`` -> embedding ``[B, in_channels]``; no attention.
    Raises: GraphError: if a slide has no node.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.out_channels = in_channels

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> Aggregated:
        """Pool the nodes of each slide."""
        refuse_empty(batch, num_graphs, where="Mean")
        total = x.new_zeros(num_graphs, x.shape[1]).index_add_(0, batch, x)
        counts = batch.new_zeros(num_graphs).index_add_(0, batch, torch.ones_like(batch))
        return Aggregated(total / counts.unsqueeze(1))
