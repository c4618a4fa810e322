"""The features as they are."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.encoders.base import Encoder


class Identity(Encoder, name="identity"):
    r"""No embedding: the head reads the (standardised) features, and neighbours are not seen.

    .. math::  h_i = x_i

    Args:
        in_channels: Channels of each patch.

    Shape: x ``[N, in_channels]`` -> ``[N, in_channels]``; edges are ignored.
    """

    uses_edges = False
    num_hops = 0

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.in_channels = self.stem_channels = self.out_channels = in_channels

    def stem(self, x: Tensor) -> Tensor:
        """The rows."""
        return x

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """The rows; edges are ignored."""
        return h
