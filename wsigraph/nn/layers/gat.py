"""One graph attention layer with everything around it: dropout, residual, norm, activation."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention import graph_attention
from wsigraph.nn.kernels.dropout import dropout
from wsigraph.nn.kernels.norm_act import norm_act
from wsigraph.nn.kernels.packed_attention import packed_attention, packed_weight


class GATLayer(nn.Module):
    r"""Multi-head graph attention, heads concatenated.

    .. math::  h = W\,\mathrm{drop}(x), \quad
               o_v = \Vert_k \sum_{u \to v} \mathrm{drop}(\alpha^k_{uv}) h^k_u + b + R(\mathrm{drop}(x_v))

    followed by LayerNorm and PReLU (one slope) unless ``plain``.

    Args:
        in_channels: Channels of each node.
        head_channels: Channels of each head.
        heads: Number of heads.
        residual: R: absent, the identity (needs equal widths) or a linear map without bias.
        feature_dropout: Dropout of the layer's input.
        attention_dropout: Dropout of the attention weights.
        plain: True leaves out norm and activation, as a decoder's last layer does.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, heads * head_channels]``.
    Source: Velickovic et al. 2018; initialised as in SRMIL (Wu et al. 2026):
    Xavier-normal, gain sqrt 2.
    """

    def __init__(
        self,
        in_channels: int,
        head_channels: int,
        *,
        heads: int,
        residual: Literal["none", "identity", "linear"] = "none",
        feature_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        plain: bool = False,
    ) -> None:
        super().__init__()
        out_channels = heads * head_channels
        if residual == "identity" and in_channels != out_channels:
            residual = "linear"
        self.heads, self.head_channels, self.residual = heads, head_channels, residual
        self.feature_dropout, self.attention_dropout = feature_dropout, attention_dropout
        self.project = nn.Linear(in_channels, out_channels, bias=False)
        self.attend_src = nn.Parameter(torch.empty(1, heads, head_channels))
        self.attend_dst = nn.Parameter(torch.empty(1, heads, head_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.shortcut = nn.Linear(in_channels, out_channels, bias=False) if residual == "linear" else None
        self.norm = nn.Identity() if plain else nn.LayerNorm(out_channels)
        self.activation = nn.Identity() if plain else nn.PReLU()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        for weight in (self.project.weight, self.attend_src, self.attend_dst):
            nn.init.xavier_normal_(weight, gain=math.sqrt(2))
        if self.shortcut is not None:
            nn.init.xavier_normal_(self.shortcut.weight, gain=math.sqrt(2))
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """One round of attention."""
        return self.with_attention(x, adjacency)[0]

    def with_attention(self, x: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
        """The same, and the attention ``[E, heads]`` before dropout."""
        x = dropout(x, self.feature_dropout if self.training else 0.0)
        out, attention = self.attend_packed(linear(x, self.packed_weight()), adjacency)
        return self.finish(out, self.residual_of(x)), attention

    def packed_weight(self) -> Tensor:
        """Projection and both halves of the logits as one matrix ``[heads * (head_channels + 2), C]``."""
        return packed_weight(self.project.weight, self.attend_src, self.attend_dst)

    def attend_packed(self, packed: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
        """What ``packed_weight`` projects -> sums over neighbours, attention ``[E, heads]``."""
        rate = self.attention_dropout if self.training else 0.0
        return packed_attention(packed, heads=self.heads, adjacency=adjacency, dropout=rate)

    def attend(self, h: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
        """Projected rows ``[N, heads * head_channels]`` -> sums over neighbours, attention ``[E, heads]``."""
        h = h.view(-1, self.heads, self.head_channels)  # [N, H, D]
        out, attention = graph_attention(
            h,
            (h * self.attend_src).sum(-1),
            (h * self.attend_dst).sum(-1),
            adjacency=adjacency,
            dropout=self.attention_dropout if self.training else 0.0,
        )
        return out.flatten(1), attention

    def residual_of(self, x: Tensor) -> Tensor | None:
        """R(x) for x after dropout, or None."""
        if self.shortcut is not None:
            return self.shortcut(x)
        return x if self.residual == "identity" else None

    def finish(self, out: Tensor, residual: Tensor | None) -> Tensor:
        """Bias, residual, norm and activation; ``out`` may be overwritten."""
        if self.shortcut is not None and residual is not None:  # else the backward would keep both
            out, residual = out.add_(residual), None
        if isinstance(self.norm, nn.LayerNorm) and isinstance(self.activation, nn.PReLU):
            return norm_act(out, self.bias, residual, norm=self.norm, activation=self.activation)
        out = out.add_(self.bias)
        return out if residual is None else out.add_(residual)
