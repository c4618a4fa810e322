"""Set encoder: every patch by itself, through a narrow layer and back."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.encoders.base import Encoder


class Bottleneck(Encoder, name="bottleneck"):
    r"""Squeeze each patch through a narrow layer and widen it again; neighbours are not seen.

    .. math::  h_i = W_2\,\mathrm{ReLU}(W_1 x_i + b_1) + b_2

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the narrow layer.

    Shape: x ``[N, in_channels]`` -> ``[N, in_channels]``; edges are ignored.
    Source: HMIL (Jin et al. 2025), what its coarse branch reads, 256 narrow.
    """

    uses_edges = False
    num_hops = 0

    def __init__(self, in_channels: int, *, hidden_channels: int = 256) -> None:
        super().__init__()
        self.in_channels = self.out_channels = in_channels
        self.stem_channels = hidden_channels
        self.down = nn.Linear(in_channels, hidden_channels)
        self.up = nn.Sequential(nn.ReLU(), nn.Linear(hidden_channels, in_channels))

    def stem(self, x: Tensor) -> Tensor:
        """Narrow rows before the activation: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.down(x)

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Activate and widen each patch by itself; edges are ignored."""
        return self.up(h)
