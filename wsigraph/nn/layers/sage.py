"""GraphSAGE layer with the mean of the neighbours."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.layers.base import Layer, Residual, weights


class SAGELayer(Layer, name="sage"):
    r"""The node and the mean of its neighbours, each through a linear map.

    .. math::  m_v = W_1 x_v + W_2 \frac{1}{|\{u \to v\}|} \sum_{u \to v} x_u + b

    Self-loops are edges of the graph: where the graph has them, the mean holds the node itself.

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``; a node without incoming edges has mean 0.
    Source: Hamilton et al. 2017, algorithm 1 with the mean aggregator. Differs: all neighbours
        instead of a sample; no L2 normalisation of the output.
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
        self.own = weights(in_channels, out_channels)
        self.neighbours = weights(in_channels, out_channels, bias=True)

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Means through their map, beside the node through its own."""
        return self.own(x) + self.neighbours(aggregate(x, adjacency=adjacency, reduce="mean"))
