"""What encoders share that take a slide as one sequence of patches."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.nn.layers.dropout import Dropout
from wsigraph.nn.layers.raster import inverse_order, permuted, raster_order


class Sequenced(Mixer):
    """Each patch embedded by itself, then the patches of each slide in raster order.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        activation: Of the embedding.
        dropout: Dropout of the embedding.

    Raises: GraphError: if there are no positions.
    """

    uses_pos = True

    def __init__(
        self, in_channels: int, hidden_channels: int, *, activation: nn.Module, dropout: float
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.after = nn.Sequential(activation, Dropout(dropout))

    @abstractmethod
    def along(self, rows: Tensor) -> Tensor:
        """The embedded patches of one slide in raster order, ``[n, hidden_channels]`` -> the same."""

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """Activate each patch, put those of each slide in order, and back."""
        order = raster_order(bags, where=f"Encoder '{self.name}'")
        rows = self.after(permuted(h, order))
        mixed = torch.cat([self.along(slide) for slide in bags.split(rows)])
        return permuted(mixed, inverse_order(order))
