"""Some rows ask others: the multi-head block that latents and pools are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.nn.layers.multihead import attend, head_width, merge_heads, split_heads


class CrossAttention(nn.Module):
    r"""Multi-head attention from some rows to others, with a residual, norms and one more linear map.

    .. math::  O = \mathrm{LN}(Q + W_o\,\mathrm{MHA}(A Q, W_k X, W_v X)), \quad
        \mathrm{LN}(O + \mathrm{ReLU}(W_f O)), \quad Q = W_q\,q

    Args:
        query_channels: Channels of the rows that ask.
        key_channels: Channels of the rows that are asked.
        channels: Channels of the answer.
        heads: Number of heads.

    Shape: query ``[m, query_channels]``, rows ``[n, key_channels]`` -> ``[m, channels]``; m times n in time,
        m plus n in memory.
    Raises: RecipeError: if the heads do not divide the channels.
    Source: Lee et al. 2019 (Set Transformer), eq. 6, as in ILRA (Xiang and Zhang 2023). Differs: keys and
        values are projected once, where ILRA's code applies two linear maps in turn.
    """

    def __init__(self, query_channels: int, key_channels: int, channels: int, *, heads: int = 8) -> None:
        super().__init__()
        head_width(channels, heads, where="CrossAttention")
        self.heads = heads
        self.asks = nn.Linear(query_channels, channels)
        self.turn = nn.Linear(channels, channels)
        self.packed = nn.Linear(key_channels, 2 * channels)
        self.project = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)
        self.after = nn.Linear(channels, channels)
        self.last_norm = nn.LayerNorm(channels)

    def forward(self, query: Tensor, rows: Tensor) -> Tensor:
        """What the rows say to each that asks."""
        asked = self.asks(query)
        return self._finish(asked, attend(*self._heads_of(asked, rows)))

    def with_logits(self, query: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and the logits of the attention ``[heads, m, n]``: for few that ask."""
        asked = self.asks(query)
        query, key, value = self._heads_of(asked, rows)
        logits = query @ key.mT / key.shape[-1] ** 0.5
        return self._finish(asked, logits.softmax(-1) @ value), logits

    def _heads_of(self, asked: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        key, value = self.packed(rows).chunk(2, -1)
        return (
            split_heads(self.turn(asked), self.heads),
            split_heads(key, self.heads),
            split_heads(value, self.heads),
        )

    def _finish(self, asked: Tensor, heard: Tensor) -> Tensor:
        out = self.norm(asked + self.project(merge_heads(heard)))
        return self.last_norm(out + torch.relu(self.after(out)))


class GatedCrossAttention(CrossAttention):
    r"""The same, each answer weighed channel by channel by what asked.

    .. math::  \mathrm{SiLU}(W_g\,q) \odot \mathrm{CrossAttention}(q, X)

    Args:
        query_channels, key_channels, channels, heads: As in ``CrossAttention``.

    Source: Xiang and Zhang 2023, eq. 16.
    """

    def __init__(self, query_channels: int, key_channels: int, channels: int, *, heads: int = 8) -> None:
        super().__init__(query_channels, key_channels, channels, heads=heads)
        self.gate = nn.Sequential(nn.Linear(query_channels, channels), nn.SiLU())

    def forward(self, query: Tensor, rows: Tensor) -> Tensor:
        """What the rows say to each that asks."""
        return self.gate(query) * super().forward(query, rows)
