"""One bag vector per slide, then a small classifier."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregator
from wsigraph.nn.heads.base import Head


class BagHead(Head, name="bag"):
    r"""Pool the nodes, then classify: Linear - ReLU - dropout - Linear, or Linear alone.

    .. math::  z = \mathrm{pool}(x), \quad y = W_2\,\mathrm{drop}(\mathrm{ReLU}(W_1 z))

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes.
        aggregator: Name and options of the pool, ``{"name": "gated_attention", "hidden_channels": 128}``.
        hidden_channels: Width of the classifier's middle; 0 leaves one linear layer.
        dropout: Dropout before the last layer.

    Shape: x ``[N, in_channels]`` -> logits ``[B, out_channels]``.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        aggregator: dict[str, Any],
        hidden_channels: int = 128,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.aggregator: Aggregator = Aggregator.registry.make(aggregator, in_channels)
        self.gives = frozenset({"logits", "embedding"}) | self.aggregator.gives
        self.uses_edges, self.uses_pos = self.aggregator.uses_edges, self.aggregator.uses_pos
        self.order_matters = self.aggregator.order_matters
        width = self.aggregator.out_channels
        middle = [nn.Linear(width, hidden_channels), nn.ReLU()] if hidden_channels else []
        self.classify = nn.Sequential(
            *middle, nn.Dropout(dropout), nn.Linear(hidden_channels or width, out_channels)
        )

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        pooled = self.aggregator(x, bags)
        return HeadOutput(
            logits=self.classify(pooled.embedding),
            embedding=pooled.embedding,
            attention=pooled.attention,
            attention_logits=pooled.attention_logits,
            extras=pooled.extras,
        )
