"""One score per slide from a pool of its nodes, against ordered thresholds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.nn.heads.bag import BagHead
from wsigraph.nn.heads.base import Head
from wsigraph.nn.heads.thresholds import Thresholds


class OrdinalHead(Head, name="ordinal"):
    r"""Pool the nodes to one score, then compare it with thresholds that rise.

    .. math::  s = \mathrm{bag}(x), \quad y_k = \log (\sigma(\theta_k - s) - \sigma(\theta_{k-1} - s))

    Logits are log probabilities of the classes, so that softmax gives the probabilities themselves, and
    cross-entropy is the likelihood of the cumulative link model.

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes K, lowest first.
        aggregator: Name and options of the pool.
        hidden_channels: Width of the scorer's middle; 0 leaves one linear layer.
        dropout: Dropout before the last layer.

    Shape: x ``[N, in_channels]`` -> logits ``[B, out_channels]``.
    Source: McCullagh 1980 (proportional odds).
    """

    ordered = True

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
        self.bag = BagHead(
            in_channels, 1, aggregator=aggregator, hidden_channels=hidden_channels, dropout=dropout
        )
        self.thresholds = Thresholds(out_channels)
        self.gives, self.order_matters = self.bag.gives, self.bag.order_matters
        self.uses_edges, self.uses_pos = self.bag.uses_edges, self.bag.uses_pos

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        scored = self.bag(x, bags)
        return replace(scored, logits=self.thresholds(scored.logits))
