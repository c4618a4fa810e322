"""One score per slide from its supernode, against ordered thresholds."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.nn.heads.base import Head
from wsigraph.nn.heads.supernode import SupernodeHead
from wsigraph.nn.heads.thresholds import Thresholds


class OrdinalSupernodeHead(Head, name="ordinal_supernode"):
    r"""Score each slide by its supernode, then compare the score with thresholds that rise.

    .. math::  y_k = \log\left(\sigma(\theta_k - s) - \sigma(\theta_{k-1} - s)\right)

    Args:
        in_channels: Channels of the supernode, H heads one after the other.
        out_channels: Number of classes K, lowest first.
        heads: Attention heads H of the encoder's last layer.
        hidden_channels: Width of the scorer's middle.
        dropout: Dropout before the last layer.

    Shape: x ``[B, in_channels]``, one row per slide -> logits ``[B, out_channels]``, log probabilities.
    Raises: RecipeError: if ``in_channels`` is no multiple of ``heads``.
    Source: the supernode of SRMIL (Wu et al. 2026), the thresholds of McCullagh 1980.
    """

    gives = frozenset({"logits", "embedding"})
    reads = "supernodes"
    ordered = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        heads: int = 4,
        hidden_channels: int = 128,
        dropout: float = 0.059,
    ) -> None:
        super().__init__()
        self.score = SupernodeHead(
            in_channels, 1, heads=heads, hidden_channels=hidden_channels, dropout=dropout
        )
        self.thresholds = Thresholds(out_channels)

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        scored = self.score(x, bags)
        return replace(scored, logits=self.thresholds(scored.logits))
