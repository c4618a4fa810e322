"""What encoders of one kind of layer share: the stem and the rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, cast

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.base import Encoder, Round
from wsigraph.nn.layers.base import Layer

Stem = Literal["linear", "reformer"]


class Layered(Encoder):
    """A stem and ``num_layers`` layers of one kind.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the layers.
        num_layers: Rounds of message passing.
        stem: ``"linear"`` to ``hidden_channels``, or ``"reformer"``, SRMIL's square map of the features.
        make: Width of the input -> a layer of ``hidden_channels``.

    Raises: RecipeError: if there is no layer or no such stem.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        *,
        num_layers: int,
        stem: Stem,
        make: Callable[[int], Layer],
    ) -> None:
        super().__init__()
        where = f"Encoder '{self.name}'"
        if stem not in ("linear", "reformer"):
            raise RecipeError(expected(where, "a stem 'linear' or 'reformer'", f"'{stem}'"))
        if num_layers < 1:
            raise RecipeError(expected(where, "at least 1 layer", f"{num_layers}"))
        self.in_channels = in_channels
        self.stem_channels = in_channels if stem == "reformer" else hidden_channels
        self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, self.stem_channels)
        if stem == "reformer":
            nn.init.xavier_uniform_(self.linear.weight, gain=math.sqrt(2))
        widths = (self.stem_channels, *(hidden_channels,) * (num_layers - 1))
        layers = [make(width) for width in widths]
        self.num_hops = sum(layer.hops for layer in layers)
        self.layers = nn.ModuleList(layers)

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, stem_channels]``."""
        return self.linear(x)

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Round after round: ``[N, stem_channels]`` -> ``[N, hidden_channels]``."""
        for layer in self.layers:
            h = layer(h, adjacency)
        return h

    def rounds(self) -> tuple[Round, ...]:
        """One per layer."""
        return tuple(Round(layer, layer.hops) for layer in cast(Sequence[Layer], self.layers))
