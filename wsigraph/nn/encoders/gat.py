"""Graph attention encoder, SRMIL's backbone."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.layers.gat import GATLayer


class GAT(Encoder, name="gat"):
    r"""A linear stem and graph attention layers with residual, LayerNorm and PReLU.

    .. math::  h^0 = W_0 x, \quad h^{l+1} = \mathrm{PReLU}(\mathrm{LN}(\mathrm{GAT}_l(h^l, E) + h^l))

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of stem and layers, a multiple of ``heads``.
        heads: Attention heads per layer.
        num_layers: Rounds of message passing.
        feature_dropout: Dropout of each layer's input.
        attention_dropout: Dropout of the attention weights.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Raises: RecipeError: if ``hidden_channels`` is no multiple of ``heads``.
    Source: Velickovic et al. 2018; sizes and dropouts of SRMIL (Wu et al. 2026). Differs: SRMIL's code has a
    square reformer as its stem and loses the residual of its second layer; here both layers keep it.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 256,
        heads: int = 4,
        num_layers: int = 2,
        feature_dropout: float = 0.11,
        attention_dropout: float = 0.15,
    ) -> None:
        super().__init__()
        if hidden_channels % heads:
            raise RecipeError(
                expected("Encoder 'gat'", f"hidden_channels divisible by {heads} heads", f"{hidden_channels}")
            )
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.layers = nn.ModuleList(
            GATLayer(
                hidden_channels,
                hidden_channels // heads,
                heads=heads,
                residual="identity",
                feature_dropout=feature_dropout,
                attention_dropout=attention_dropout,
            )
            for _ in range(num_layers)
        )

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def propagate(self, h: Tensor, adjacency: Adjacency) -> Tensor:
        """Attend to neighbours: ``[N, hidden_channels]`` -> the same shape."""
        for layer in self.layers:
            h = layer(h, adjacency)
        return h
