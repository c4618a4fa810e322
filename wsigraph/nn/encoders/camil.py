"""CAMIL: patches that heard their slide, fused with what they say of their neighbourhood."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.nn.layers.dropout import Dropout
from wsigraph.nn.layers.neighbour_attention import NeighbourAttention
from wsigraph.nn.layers.nystrom import NystromAttention
from wsigraph.nn.layers.raster import inverse_order, permuted, raster_order


class CAMIL(Mixer, name="camil"):
    r"""Embed each patch, let it hear its slide, then fuse it with the attention to its neighbours.

    .. math::  h = \mathrm{drop}(\mathrm{ReLU}(W x)), \quad t = h + \mathrm{nystrom}(h), \quad
               m_i = \sigma(l_i) \odot l_i + (1 - \sigma(l_i)) \odot t_i

    with l of ``NeighbourAttention`` on t, where patches are compared by h. The patches of a slide stand in
    raster order, row by row. Time and memory grow with patches and edges.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        attention_channels: Width of queries and keys of the attention to neighbours.
        heads: Heads of the attention over the slide.
        landmarks: Landmarks of the attention over the slide.
        iterations: Steps towards the pseudo-inverse among the landmarks.
        kernel: Patches of the sequence that the convolution of the values spans, odd.
        dropout: Dropout of the embedding.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Raises: RecipeError: if the heads do not divide the width. GraphError: if there are no positions or edges.
    Source: Fourkioti et al. 2024 and the authors' code. Differs: fusion and values W_v t are the published
        ones as torchmil 1.0.2 documents them, the authors' code weighs by squared sigmoids and takes values
        of the features; patches in raster order, where the code takes the order of the file, so the answer
        does not depend on it; see ``NeighbourAttention`` and ``NystromAttention``.
    """

    uses_edges = True
    uses_pos = True

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 512,
        attention_channels: int = 256,
        heads: int = 8,
        landmarks: int = 256,
        iterations: int = 6,
        kernel: int = 33,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.after = nn.Sequential(nn.ReLU(), Dropout(dropout))
        self.slide = NystromAttention(
            hidden_channels, heads=heads, landmarks=landmarks, iterations=iterations, kernel=kernel
        )
        self.near = NeighbourAttention(hidden_channels, attention_channels=attention_channels)

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """Fused rows: ``[N, hidden_channels]`` -> ``[N, hidden_channels]``."""
        order = raster_order(bags, where="Encoder 'camil'")
        h = self.after(h)
        heard = torch.cat([self.slide(rows) for rows in bags.split(permuted(h, order))])
        t = h + permuted(heard, inverse_order(order))
        return fuse(self.near(t, h, bags), t)


def fuse(local: Tensor, wide: Tensor) -> Tensor:
    r"""Gate of what is near and what is far: :math:`\sigma(l) \odot l + (1 - \sigma(l)) \odot t`."""
    gate = torch.sigmoid(local)
    return gate * local + (1 - gate) * wide
