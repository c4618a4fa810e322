"""Graph convolution with symmetric normalisation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.layers.base import Layer, Residual, weights


class GCNLayer(Layer, name="gcn"):
    r"""Sum of neighbours, each weighed by both degrees.

    .. math::  m_v = \sum_{u \to v} \frac{1}{\sqrt{d_u d_v}} W x_u + b, \quad d_v = |\{u \to v\}|

    Self-loops are edges of the graph and are never added here: with them (the recipes' default) d counts the
    node itself, which is Kipf's A + I; without them a node hears only its neighbours, and itself by the
    residual. A source that no edge enters has d = 0 and sends nothing.

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``.
    Source: Kipf and Welling 2017, eq. 2. Differs: degrees of a directed graph are those of incoming edges.
    """

    hops = 2  # the degrees of neighbours count

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
        self.project = weights(in_channels, out_channels)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Weighed sums, on the thinner side of the projection."""
        scale = degree_scale(adjacency, like=x)
        source, target = adjacency.edge_index[0], adjacency.edge_index[1]
        weight = scale[source] * scale[target]
        if self.in_channels <= self.out_channels:
            return self.project(aggregate(x, adjacency=adjacency, weight=weight)) + self.bias
        return aggregate(self.project(x), adjacency=adjacency, weight=weight) + self.bias


def degree_scale(adjacency: Adjacency, *, like: Tensor) -> Tensor:
    """One over the root of each node's incoming edges, 0 where there are none: ``[N]``."""
    degree = adjacency.by_target.ptr.diff().to(like.dtype)
    return torch.where(degree > 0, degree.clamp(min=1).rsqrt(), torch.zeros_like(degree))
