"""Principal neighbourhood aggregation: several summaries of the neighbours, scaled by their number."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import linear

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.moments import neighbour_moments
from wsigraph.nn.layers.base import Layer, Residual, weights

EPSILON = 1e-5
"""Under the root of the standard deviation, as in the paper."""

NUM_SUMMARIES, NUM_SCALERS = 4, 3


class PNALayer(Layer, name="pna"):
    r"""Mean, largest, smallest and spread of the messages, each as it is, amplified and attenuated by degree.

    .. math::  g_{uv} = A x_v + B x_u + b, \quad
               s_v = [\mathrm{mean}, \max, \min, \mathrm{std}]_{u \to v}\, g_{uv}, \quad
               m_v = W_0 x_v + W_1 s_v + \frac{\log(d_v + 1)}{\delta} W_2 s_v
                     + \frac{\delta}{\log(d_v + 1)} W_3 s_v + c

    A message is linear in its two ends, so the neighbours' half alone is summarised and the node's own half
    added: no message is ever written out. The scalers stand in front of their matrices, so that the twelve
    summaries are never side by side. Self-loops are edges of the graph.

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.
        typical_degree: Number of incoming edges for which both scalers are 1: delta is its log(d + 1).

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``; a node without incoming edges has s = 0.
    Source: Corso et al. 2020. Differs: delta is the constant of a patch inside tissue (8 neighbours
        and itself), not an average over training graphs, which W_2 and W_3 can make up for; one tower; maps
        of one linear layer.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        residual: Residual = "none",
        feature_dropout: float = 0.0,
        plain: bool = False,
        typical_degree: float = 9,
    ) -> None:
        super().__init__(
            in_channels, out_channels, residual=residual, feature_dropout=feature_dropout, plain=plain
        )
        self.delta = math.log(typical_degree + 1)
        self.target = weights(in_channels, in_channels, bias=True)
        self.source = weights(in_channels, in_channels)
        self.own = weights(in_channels, out_channels, bias=True)
        self.summaries = weights(NUM_SUMMARIES * in_channels, NUM_SCALERS * out_channels)

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Summaries through their matrices, scaled by degree."""
        near = neighbour_moments(self.source(x), adjacency=adjacency)
        degree = adjacency.by_target.ptr.diff().to(near.mean.dtype).unsqueeze(1)  # [N, 1]
        heard = degree.clamp(max=1)
        centre = self.target(x) * heard
        spread = (near.variance + EPSILON).sqrt() * heard
        summary = torch.cat([near.mean + centre, near.largest + centre, near.smallest + centre, spread], 1)
        amount = torch.log(degree.clamp(min=1) + 1) / self.delta  # without edges s is 0 at any scale
        plain, amplified, attenuated = linear(summary, self.summaries.weight).chunk(NUM_SCALERS, 1)
        return self.own(x) + plain + amount * amplified + attenuated / amount
