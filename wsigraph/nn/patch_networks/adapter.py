"""Fine-tuning without pixels: a small network on top of frozen features."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.nn.standardise import Standardise


class Adapter(PatchNetwork, name="adapter"):
    r"""A row-wise residual on frozen features, which begins as the features themselves.

    .. math::  y = x + W_2\, \mathrm{ReLU}(W_1 x + b_1) + b_2, \quad W_2 = 0,\ b_2 = 0 \text{ at the start}

    x is standardised by statistics that the caller gives (of training slides). A view leaves out each channel
    with probability p and scales the others by 1 / (1 - p).

    Args:
        in_channels: Width of the frozen features.
        hidden_channels: Width of the residual's middle.
        dropout: p.

    Shape: raw ``[n, in_channels]`` -> ``[n, in_channels]``.
    Raises: RecipeError: if the dropout is no share below 1.
    Source: two dropout masks as two views, Gao et al. 2021 (SimCSE). Differs: ours, for HNM-WSI's loop (Huang
        et al. 2024), where pixels are out of reach.
    """

    reads: ClassVar[Literal["features", "pixels"]] = "features"

    def __init__(self, in_channels: int, *, hidden_channels: int = 512, dropout: float = 0.1) -> None:
        super().__init__()
        if not 0.0 <= dropout < 1.0:
            raise RecipeError(expected("Adapter", "a dropout from 0 to below 1", f"{dropout}"))
        self.dropout, self.out_channels = dropout, in_channels
        self.standardise = Standardise(in_channels)
        self.inner = nn.Linear(in_channels, hidden_channels)
        self.outer = nn.Linear(hidden_channels, in_channels)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def plain(self, raw: Tensor) -> Tensor:
        """Standardised rows."""
        return self.standardise(raw)

    def two_views(self, raw: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Standardised rows under two masks."""
        rows = self.standardise(raw)
        return self._masked(rows, generator), self._masked(rows, generator)

    def forward(self, patches: Tensor) -> Tensor:
        """The rows and their residual."""
        return patches + self.outer(self.inner(patches).relu())

    def _masked(self, rows: Tensor, generator: Generator) -> Tensor:
        kept = torch.rand(rows.shape, generator=generator, device=rows.device) >= self.dropout
        return rows * kept / (1.0 - self.dropout)
