"""Patch-GCN's encoder: generalised graph convolutions, all of whose outputs are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.layers.gen import GENLayer


class PatchGCN(Encoder, name="patchgcn"):
    r"""Embed each patch, pass messages with residuals, and map the outputs of all layers side by side.

    .. math::  h^0 = \mathrm{drop}(\mathrm{ReLU}(W x + b)), \quad h^1 = \mathrm{GEN}_1(h^0, E), \quad
               h^{l+1} = \mathrm{drop}(h^l + \mathrm{ReLU}(\mathrm{LN}(\mathrm{GEN}_{l+1}(h^l, E)))), \quad
               o = \mathrm{drop}(\mathrm{ReLU}(\Phi\, [h^0 \Vert h^1 \Vert \dots \Vert h^L]))

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of each layer.
        num_layers: Rounds of message passing L; the output is ``(L + 1) hidden_channels`` wide.
        dropout: Dropout of the embedding and of the output.
        layer_dropout: Dropout after each residual.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, (num_layers + 1) * hidden_channels]``.
    Raises: RecipeError: if there is no layer.
    Source: Chen et al. 2021 (Patch-GCN), in the order, the widths and the dropouts of the authors' code:
        the first layer stands alone, and the others have norm and ReLU before their residual.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 128,
        num_layers: int = 3,
        dropout: float = 0.25,
        layer_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise RecipeError(expected("Encoder 'patchgcn'", "at least 1 layer", f"{num_layers}"))
        self.in_channels, self.stem_channels = in_channels, hidden_channels
        self.out_channels, self.num_hops = (num_layers + 1) * hidden_channels, num_layers
        self.dropout, self.layer_dropout = nn.Dropout(dropout), nn.Dropout(layer_dropout)
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.layers = nn.ModuleList(
            GENLayer(hidden_channels, hidden_channels, plain=True) for _ in range(num_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(num_layers - 1))
        self.phi = nn.Linear(self.out_channels, self.out_channels)

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Round after round, then all of them side by side."""
        first, *rest = cast(Sequence[GENLayer], self.layers)
        h = self.dropout(relu(h))
        heard = [h, first(h, adjacency)]
        for layer, norm in zip(rest, self.norms, strict=True):
            step = relu(norm(layer(heard[-1], adjacency)))
            heard.append(self.layer_dropout(heard[-1] + step))
        return self.dropout(relu(self.phi(torch.cat(heard, 1))))
