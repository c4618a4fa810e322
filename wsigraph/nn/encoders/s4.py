"""A slide as a sequence that a diagonal state space runs along."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.nn.encoders.sequenced import Sequenced
from wsigraph.nn.layers.s4d import S4D


class S4(Sequenced, name="s4"):
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

    def __init__(
        self, in_channels: int, *, hidden_channels: int = 512, states: int = 32, dropout: float = 0.0
    ) -> None:
        super().__init__(in_channels, hidden_channels, activation=nn.ReLU(), dropout=dropout)
        self.norm = nn.LayerNorm(hidden_channels)
        self.space = S4D(hidden_channels, states=states)

    def along(self, rows: Tensor) -> Tensor:
        """The state space along one slide."""
        return self.space(self.norm(rows))
