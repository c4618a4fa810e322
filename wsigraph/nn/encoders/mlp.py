"""Set encoder: every patch by itself."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.layers.dropout import Dropout


class MLP(Encoder, name="mlp"):
    r"""Embed each patch by one linear layer, ReLU and dropout; neighbours are not seen.

    .. math::  h_i = \mathrm{drop}(\mathrm{ReLU}(W x_i + b))

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        dropout: Dropout after the activation.

    Shape: x ``[N, in_channels]`` -> ``[N, hidden_channels]``; edges are ignored.
    Source: Ilse et al. 2018, with the embedding layer of CLAM (Lu et al. 2021) for frozen features.
    """

    uses_edges = False
    num_hops = 0

    def __init__(self, in_channels: int, *, hidden_channels: int = 512, dropout: float = 0.25) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.after = nn.Sequential(nn.ReLU(), Dropout(dropout))

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Activate each patch by itself; edges are ignored."""
        return self.after(h)
