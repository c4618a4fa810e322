"""A slide as a sequence that a diagonal state space runs along."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.nn.layers.raster import inverse_order, raster_order
from wsigraph.nn.layers.s4d import S4D


class S4(Mixer, name="s4"):
    r"""Embed each patch, then run a diagonal state space along the patches in raster order.

    .. math::  \mathrm{S4D}(\mathrm{LN}(\mathrm{drop}(\mathrm{ReLU}(W x))))

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        states: States of each channel.
        dropout: Dropout of the embedding.

    Shape: x ``[N, in_channels]`` -> ``[N, hidden_channels]``; linear in memory.
    Raises: GraphError: if there are no positions.
    Source: Fillioux et al. 2023, and the authors' code (commit 1bdb039). Differs: patches in raster order,
        where the authors' code takes the order of the file, so the answer does not depend on it.
    """

    uses_pos = True

    def __init__(
        self, in_channels: int, *, hidden_channels: int = 512, states: int = 32, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.after = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.LayerNorm(hidden_channels))
        self.along = S4D(hidden_channels, states=states)

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """Activate each patch, then along the patches of its slide."""
        order = raster_order(bags, where="Encoder 's4'")
        rows = self.after(h.index_select(0, order))
        mixed = torch.cat([self.along(slide) for slide in bags.split(rows)])
        return mixed.index_select(0, inverse_order(order))
