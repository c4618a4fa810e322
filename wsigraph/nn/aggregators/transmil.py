"""TransMIL's correlated pooling: a class token among the patches of a slide."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.nystrom import NystromAttention
from wsigraph.nn.layers.ppeg import PPEG
from wsigraph.nn.layers.raster import permuted, raster_order


class TransMILPool(Aggregator, name="transmil"):
    r"""Read a class token that attended, twice and through landmarks, to the square of a slide's patches.

    .. math::  H_1 = H_0 + \mathrm{nystrom}(\mathrm{LN} H_0), \quad
        H_2 = \mathrm{PPEG}(H_1), \quad
        z = \mathrm{LN}(H_2 + \mathrm{nystrom}(\mathrm{LN} H_2))_{token}

    with :math:`H_0` the token and the patches row by row, filled up to a square by the first of them. Of the
    last layer only the token's row is computed. There is no attention to show: through landmarks it can be
    negative.

    Args:
        in_channels: Channels of each node.
        heads: Heads of both layers.
        landmarks: Landmarks of both layers.
        iterations: Steps towards the pseudo-inverse.
        kernel: Rows of the sequence that the convolution of the values spans.
        dropout: Dropout of both layers' outputs.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, in_channels]``; no attention. Linear in the patches.
    Raises: GraphError: if a slide has no node, or there are no positions. RecipeError: if the heads do not
        divide the channels.
    Source: Shao et al. 2021, Algorithms 2 and 3. Differs: patches stand in raster order, where the authors'
    code takes the order of the file, so the answer does not depend on it; see ``NystromAttention`` for what
    replaces its zero rows.
    """

    uses_pos = True

    def __init__(
        self,
        in_channels: int,
        *,
        heads: int = 8,
        landmarks: int = 256,
        iterations: int = 6,
        kernel: int = 33,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.out_channels = in_channels
        self.token = nn.Parameter(torch.randn(1, in_channels))
        self.norms = nn.ModuleList(nn.LayerNorm(in_channels) for _ in range(3))
        self.layers = nn.ModuleList(
            NystromAttention(
                in_channels,
                heads=heads,
                landmarks=landmarks,
                iterations=iterations,
                kernel=kernel,
                dropout=dropout,
            )
            for _ in range(2)
        )
        self.ppeg = PPEG(in_channels)

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="TransMILPool")
        rows = permuted(x, raster_order(bags, where="TransMILPool"))
        return Aggregated(torch.cat([self._token_of(slide) for slide in bags.split(rows)]))

    def _token_of(self, rows: Tensor) -> Tensor:
        """One slide's patches ``[n, C]`` in raster order -> ``[1, C]``."""
        first, last = self.layers
        side = math.isqrt(len(rows) - 1) + 1
        h = torch.cat([self.token, rows, rows[: side * side - len(rows)]])
        h = h + first(self.norms[0](h))
        h = torch.cat([h[:1], self.ppeg(h[1:], side)])
        h = h[:1] + last.of_first(self.norms[1](h))  # type: ignore[operator]
        return self.norms[2](h)
