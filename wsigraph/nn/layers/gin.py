"""Graph isomorphism layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.layers.base import Layer, Residual, weights


class GINLayer(Layer, name="gin"):
    r"""The node and the sum of its neighbours, through a small network.

    .. math::  m_v = W_2\,\mathrm{ReLU}(W_1 ((1 + \epsilon) x_v + \sum_{u \to v} x_u) + b_1) + b_2

    Self-loops are edges of the graph and are never added or removed here: where the graph has them (the
    recipes' default) the node stands once more in its own sum, so its weight is :math:`2 + \epsilon`. Epsilon
    is learned from 0, and can take that back. The sum into a supernode grows with the number of patches; the
    LayerNorm after it takes the scale away.

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``.
    Source: Xu et al. 2019, eq. 4.1. Differs: no batch normalisation in the network, since a step may hold a
        single slide.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        residual: Residual = "none",
        feature_dropout: float = 0.0,
        plain: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, residual=residual, feature_dropout=feature_dropout, plain=plain
        )
        self.epsilon = nn.Parameter(torch.zeros(1))
        self.network = nn.Sequential(
            weights(in_channels, out_channels, bias=True),
            nn.ReLU(),
            weights(out_channels, out_channels, bias=True),
        )

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Sums through the network."""
        return self.network((1.0 + self.epsilon) * x + aggregate(x, adjacency=adjacency))
