"""What an encoder is: a row-wise stem, then message passing."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.registry import Part


class Encoder(nn.Module, Part, ABC, family="encoder", package="wsigraph.nn.encoders"):
    """Node features to node embeddings.

    The stem is row-wise and runs once per training step, whatever the number of views;
    views replace rows of its output, then message passing runs once per view.

    Attributes:
        in_channels: Width the stem expects.
        stem_channels: Width between stem and message passing.
        out_channels: Width of the node embeddings.
        uses_edges: False for set encoders, which ignore edges.
    """

    in_channels: int
    stem_channels: int
    out_channels: int
    uses_edges: bool = True

    @abstractmethod
    def stem(self, x: Tensor) -> Tensor:
        """Row-wise part: x ``[N, in_channels]`` -> ``[N, stem_channels]``."""

    @abstractmethod
    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Message passing: h ``[N, stem_channels]``, E edges -> ``[N, out_channels]``.

        Self-loops are edges of the graph given here, never added by a layer.
        """

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Both parts in turn."""
        return self.propagate(self.stem(x), adjacency)
