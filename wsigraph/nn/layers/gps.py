"""A layer of a graph transformer: neighbours and the whole slide, side by side."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.nn.layers.gin import GINLayer
from wsigraph.nn.layers.linear_attention import LinearAttention


class GPSLayer(nn.Module):
    r"""Message passing and attention over the slide, summed, then a small network.

    .. math::  m = \mathrm{LN}(x + \mathrm{drop}(\mathrm{GIN}(x, E))), \quad
               a = \mathrm{LN}(x + \mathrm{drop}(\mathrm{attend}(x))), \quad
               y = \mathrm{LN}(m + a + \mathrm{MLP}(m + a))

    Args:
        channels: Channels of each node.
        heads: Attention heads.
        dropout: Dropout of both branches and in the network.

    Shape: x ``[N, channels]``, E edges -> ``[N, channels]``.
    Raises: RecipeError: if heads do not divide the channels.
    Source: Rampasek et al. 2022, the GPS layer. Differs: LayerNorm of each node instead of batch
        normalisation, by which slides of a batch would hear each other.
    """

    def __init__(self, channels: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.near = GINLayer(channels, channels, plain=True)
        self.far = LinearAttention(channels, heads=heads)
        self.near_norm, self.far_norm, self.norm = (nn.LayerNorm(channels) for _ in range(3))
        self.dropout = nn.Dropout(dropout)
        self.network = nn.Sequential(
            nn.Linear(channels, 2 * channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(2 * channels, channels),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor, bags: Bags) -> Tensor:
        """One round."""
        near = self.near(x, bags.adjacency(where="GPSLayer"))
        heard = self.near_norm(x + self.dropout(near)) + self.far_norm(x + self.dropout(self.far(x, bags)))
        return self.norm(heard + self.network(heard))
