"""Gated scores of patches, from which attention is made."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.nn.layers.dropout import Dropout


class GatedScores(nn.Module):
    r"""Score each row by a gated layer; a softmax over a slide or a part of it makes attention of the scores.

    .. math::  s_i = W (\tanh V x_i \odot \sigma(U x_i)) + b

    Args:
        in_channels: Channels of each row.
        hidden_channels: Width of the gated layer.
        out_channels: Number of scores.
        dropout: Dropout of the gated activations.

    Shape: x ``[N, in_channels]`` -> ``[N, out_channels]``.
    Source: Ilse et al. 2018, eq. 9, with the biases of the authors' code.
    """

    def __init__(
        self, in_channels: int, hidden_channels: int, *, out_channels: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.value = nn.Linear(in_channels, hidden_channels)
        self.gate = nn.Linear(in_channels, hidden_channels)
        self.score = nn.Linear(hidden_channels, out_channels)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the rows."""
        return self.score(self.dropout(torch.tanh(self.value(x)) * torch.sigmoid(self.gate(x))))
