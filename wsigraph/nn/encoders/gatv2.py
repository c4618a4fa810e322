"""Graph attention encoder of the second kind."""

from __future__ import annotations

from functools import partial
from typing import cast

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.encoders.base import Embedded
from wsigraph.nn.encoders.layered import Layered, Stem
from wsigraph.nn.layers.base import Residual
from wsigraph.nn.layers.gatv2 import GATv2Layer
from wsigraph.nn.layers.into_supernodes import attention_into
from wsigraph.nn.views.base import Seen


class GATv2(Layered, name="gatv2"):
    r"""A linear stem and GATv2 layers with residual, LayerNorm and PReLU, as in encoder ``gat``.

    .. math::  h^0 = W_0 x, \quad h^{l+1} = \mathrm{PReLU}(\mathrm{LN}(\mathrm{GATv2}_l(h^l, E) + R h^l))

    Self-loops are edges of the graph; without them a node does not attend to itself.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the layers, a multiple of ``heads``.
        heads: Attention heads per layer.
        num_layers: Rounds of message passing.
        stem: ``"linear"`` to ``hidden_channels``, or ``"reformer"``, SRMIL's square map of the features.
        residual: R of each layer: ``"identity"`` (linear where widths differ), ``"linear"`` or ``"none"``.
        feature_dropout: Dropout of each layer's input.
        attention_dropout: Dropout of the attention weights.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Raises: RecipeError: if ``hidden_channels`` is no multiple of ``heads``.
    Source: Brody, Alon and Yahav 2022; stem, dropouts and initialisation of SRMIL (Wu et al. 2026).
    """

    gives_attention = True

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 256,
        heads: int = 4,
        num_layers: int = 2,
        stem: Stem = "linear",
        residual: Residual = "identity",
        feature_dropout: float = 0.11,
        attention_dropout: float = 0.15,
    ) -> None:
        make = partial(
            GATv2Layer,
            out_channels=hidden_channels,
            heads=heads,
            residual=residual,
            feature_dropout=feature_dropout,
            attention_dropout=attention_dropout,
        )
        super().__init__(in_channels, hidden_channels, num_layers=num_layers, stem=stem, make=make)

    def propagate_with_attention(self, h: Tensor, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
        """Layer after layer, and the attention of the last."""
        *inner, last = self.layers
        for layer in inner:
            h = layer(h, adjacency)
        return cast(GATv2Layer, last).with_attention(h, adjacency)

    def embed(self, seen: Seen, *, nodes: bool = True) -> Embedded:
        """One view, with the last layer's attention into the supernodes where there are some."""
        if seen.supernodes is None:
            return super().embed(seen, nodes=nodes)
        n = seen.num_nodes
        out, attention = self.propagate_with_attention(seen.h, seen.adjacency)
        into = attention_into(attention, seen.adjacency, num_nodes=n)
        return Embedded(out[:n] if nodes else None, out[n:], into)
