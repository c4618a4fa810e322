"""What a layer is: one kind of message passing with the same things around it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import dropout

from wsigraph.data.adjacency import Adjacency
from wsigraph.registry import Part

Residual = Literal["none", "identity", "linear"]


class Layer(nn.Module, Part, ABC, family="layer", package="wsigraph.nn.layers"):
    r"""Dropout, messages, residual, LayerNorm and PReLU (one slope), in this order.

    .. math::  \mathrm{PReLU}(\mathrm{LN}(m(\mathrm{drop}(x), E) + R(\mathrm{drop}(x))))

    Args:
        in_channels: Channels of each node.
        out_channels: Channels of the output.
        residual: R: absent, the identity (needs equal widths) or a linear map without bias.
        feature_dropout: Dropout of the layer's input.
        plain: True leaves out norm and activation, as a decoder's last layer does.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, out_channels]``.

    Attributes:
        uses_edges: False where neighbours are not seen.
        attends: True where the constructor takes ``heads`` and ``attention_dropout``.
        hops: Edges that it looks far; more than 1 where it asks what a neighbour hears.
    """

    uses_edges: bool = True
    hops: int = 1
    attends: bool = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        residual: Residual = "none",
        feature_dropout: float = 0.0,
        plain: bool = False,
    ) -> None:
        super().__init__()
        if residual == "identity" and in_channels != out_channels:
            residual = "linear"
        self.in_channels, self.out_channels = in_channels, out_channels
        self.residual, self.feature_dropout = residual, feature_dropout
        self.shortcut = weights(in_channels, out_channels) if residual == "linear" else None
        self.norm = nn.Identity() if plain else nn.LayerNorm(out_channels)
        self.activation = nn.Identity() if plain else nn.PReLU()

    @abstractmethod
    def exchange(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """Messages alone: x ``[N, in_channels]`` after dropout -> ``[N, out_channels]``."""

    def forward(self, x: Tensor, adjacency: Adjacency) -> Tensor:
        """One round."""
        x = dropout(x, self.feature_dropout, self.training)
        return self.finish(self.exchange(x, adjacency), x)

    def finish(self, out: Tensor, x: Tensor) -> Tensor:
        """Residual of the input after dropout, norm and activation."""
        if self.shortcut is not None:
            out = out + self.shortcut(x)
        elif self.residual == "identity":
            out = out + x
        return self.activation(self.norm(out))


def weights(in_channels: int, out_channels: int, *, bias: bool = False) -> nn.Linear:
    """A linear map that starts as SRMIL's do: Xavier-normal with gain sqrt 2, bias 0."""
    linear = nn.Linear(in_channels, out_channels, bias=bias)
    nn.init.xavier_normal_(linear.weight, gain=math.sqrt(2))
    if bias:
        nn.init.zeros_(linear.bias)
    return linear
