"""Graph attention whose ranking of neighbours depends on the node that asks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.kernels.attention_v2 import graph_attention_v2
from wsigraph.nn.layers.base import Layer, Residual, weights


class GATv2Layer(Layer, name="gatv2"):
    r"""Multi-head graph attention, heads concatenated.

    .. math::  e_{uv} = a^\top \mathrm{LeakyReLU}(W_s x_u + b_s + W_t x_v + b_t), \quad
               m_v = \Vert_k \sum_{u \to v} \mathrm{drop}(\mathrm{softmax}_u e^k_{uv}) (W_s x_u + b_s)^k + b

    Self-loops are edges of the graph: without them a node does not attend to itself.

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.
        heads: Attention heads; divides ``out_channels``.
        attention_dropout: Dropout of the attention weights.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``.
    Raises: RecipeError: if ``out_channels`` is no multiple of ``heads``.
    Source: Brody, Alon and Yahav 2022, eq. 7.
    """

    attends = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        heads: int = 4,
        residual: Residual = "none",
        feature_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        plain: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, residual=residual, feature_dropout=feature_dropout, plain=plain
        )
        if out_channels % heads:
            raise RecipeError(
                expected("Layer 'gatv2'", f"out_channels divisible by {heads} heads", f"{out_channels}")
            )
        self.heads, self.attention_dropout = heads, attention_dropout
        self.source = weights(in_channels, out_channels, bias=True)
        self.target = weights(in_channels, out_channels, bias=True)
        self.attend = nn.Parameter(torch.empty(1, heads, out_channels // heads))
        nn.init.xavier_normal_(self.attend, gain=math.sqrt(2))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Weighed sums over neighbours."""
        return self._attend(x, adjacency)[0]

    def with_attention(self, x: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
        """One round, and the attention ``[E, heads]`` before dropout."""
        x = dropout(x, self.feature_dropout, self.training)
        out, attention = self._attend(x, adjacency)
        return self.finish(out, x), attention

    def _attend(self, x: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
        shape = (-1, self.heads, self.out_channels // self.heads)
        out, attention = graph_attention_v2(
            self.source(x).view(shape),
            self.target(x).view(shape),
            self.attend[0],
            adjacency=adjacency,
            dropout=self.attention_dropout if self.training else 0.0,
        )
        return out.flatten(1) + self.bias, attention
