"""Encoder of principal neighbourhood aggregation."""

from __future__ import annotations

from functools import partial

from wsigraph.nn.encoders.layered import Layered, Stem
from wsigraph.nn.layers.base import Residual
from wsigraph.nn.layers.pna import PNALayer


class PNA(Layered, name="pna"):
    r"""A linear stem and PNA layers with residual, LayerNorm and PReLU, as in encoder ``gat``.

    .. math::  h^0 = W_0 x, \quad h^{l+1} = \mathrm{PReLU}(\mathrm{LN}(m_l(h^l, E) + R h^l))

    Self-loops are edges of the graph; with them a node's summaries hold the node itself.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the layers.
        num_layers: Rounds of message passing.
        stem: ``"linear"`` to ``hidden_channels``, or ``"reformer"``, SRMIL's square map of the features.
        residual: R of each layer: ``"identity"`` (linear where widths differ), ``"linear"`` or ``"none"``.
        feature_dropout: Dropout of each layer's input.
        typical_degree: Number of incoming edges for which the degree scalers are 1.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Source: Corso et al. 2020; stem, dropout and initialisation of SRMIL (Wu et al. 2026).
    """

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 256,
        num_layers: int = 2,
        stem: Stem = "linear",
        residual: Residual = "identity",
        feature_dropout: float = 0.11,
        typical_degree: float = 9,
    ) -> None:
        make = partial(
            PNALayer,
            out_channels=hidden_channels,
            residual=residual,
            feature_dropout=feature_dropout,
            typical_degree=typical_degree,
        )
        super().__init__(in_channels, hidden_channels, num_layers=num_layers, stem=stem, make=make)
