"""The supernode answers for its slide."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.heads.base import Head


class SupernodeHead(Head, name="supernode"):
    r"""Classify each slide by its supernode: mean over heads, then Linear - ReLU - dropout - Linear.

    .. math::  z = \frac1H \sum_k s^k, \quad y = W_2\,\mathrm{drop}(\mathrm{ReLU}(W_1 z))

    Args:
        in_channels: Channels of the supernode, H heads one after the other.
        out_channels: Number of classes.
        heads: Attention heads H of the encoder's last layer.
        hidden_channels: Width of the classifier's middle.
        dropout: Dropout before the last layer.

    Shape: x ``[B, in_channels]``, one row per slide -> logits ``[B, out_channels]``.
    Raises: RecipeError: if ``in_channels`` is no multiple of ``heads``.
    Source: SRMIL (Wu et al. 2026), the authors' code.
    """

    gives = frozenset({"logits", "embedding"})
    reads = "supernodes"

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
        if in_channels % heads:
            raise RecipeError(
                expected("Head 'supernode'", f"in_channels divisible by {heads} heads", f"{in_channels}")
            )
        self.heads = heads
        self.classify = nn.Sequential(
            nn.Linear(in_channels // heads, hidden_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_channels, out_channels),
        )

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        embedding = x.view(len(x), self.heads, -1).mean(1)  # [B, in_channels / H]
        return HeadOutput(logits=self.classify(embedding), embedding=embedding)
