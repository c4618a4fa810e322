"""Generalised graph convolution: neighbours weighed by a softmax of learned temperature."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.softmax_aggregate import softmax_aggregate
from wsigraph.nn.layers.base import Layer, Residual, weights

EPSILON = 1e-7
"""Keeps messages positive, as in the paper."""


class GENLayer(Layer, name="gen"):
    r"""The node and the softmax-weighed sum of its neighbours' positive messages, through a small network.

    .. math::  g_u = \mathrm{ReLU}(x_u) + \epsilon, \quad
               a_{vc} = \sum_{u \to v} \frac{e^{t g_{uc}}}{\sum_{w \to v} e^{t g_{wc}}} g_{uc}, \quad
               m_v = W_2\,\mathrm{ReLU}(\mathrm{LN}(W_1 (x_v + a_v) + b_1)) + b_2

    The temperature t is learned from 1, one number for all channels. Where widths differ, x is mapped first:
    messages by one matrix, the node itself by another. Self-loops are edges of the graph.

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``; a node without incoming edges has a = 0.
    Source: Li et al. 2020 (DeeperGCN), GENConv with SoftMax aggregation. Differs: LayerNorm in the network
        instead of batch normalisation, as in Patch-GCN, since a step may hold a single slide.
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
        maps = in_channels != out_channels
        self.message = weights(in_channels, out_channels) if maps else nn.Identity()
        self.own = weights(in_channels, out_channels) if maps else nn.Identity()
        self.temperature = nn.Parameter(torch.ones(1))
        self.network = nn.Sequential(
            weights(out_channels, 2 * out_channels, bias=True),
            nn.LayerNorm(2 * out_channels),
            nn.ReLU(),
            weights(2 * out_channels, out_channels, bias=True),
        )

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Messages, their sums, the network."""
        messages = relu(self.message(x)) + EPSILON
        heard = softmax_aggregate(messages, self.temperature, adjacency=adjacency)
        return self.network(self.own(x) + heard)
