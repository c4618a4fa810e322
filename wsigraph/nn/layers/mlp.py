"""Each node by itself: the control of every layer that looks at neighbours."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.layers.base import Layer, Residual, weights


class MLPLayer(Layer, name="mlp"):
    r"""A linear map with bias; edges are ignored.

    .. math::  m_v = W x_v + b

    Args:
        in_channels, out_channels, residual, feature_dropout, plain: As in every layer.

    Shape: x ``[N, in_channels]`` -> ``[N, out_channels]``.
    """

    uses_edges = False

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
        self.project = weights(in_channels, out_channels, bias=True)

    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """The linear map."""
        return self.project(x)
