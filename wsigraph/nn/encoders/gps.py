"""Graph transformer: message passing beside attention over the whole slide."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.nn.layers.gps import GPSLayer


class GPS(Mixer, name="gps"):
    r"""A linear stem and GPS layers: a node hears its neighbours by GIN and its slide by linear attention.

    .. math::  h^0 = W_0 x + b, \quad h^{l+1} = \mathrm{GPS}_l(h^l, E)

    Time and memory are linear in patches and edges. Slides of a batch are attended to one by one, without
    padding, and normalised node by node, so a batch equals its slides in training as well.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the layers, a multiple of ``heads``.
        heads: Attention heads.
        num_layers: Number of layers.
        dropout: Dropout of both branches of each layer and in its network.

    Shape: x ``[N, in_channels]``, E edges -> ``[N, hidden_channels]``.
    Raises: RecipeError: if there is no layer, or heads do not divide the channels.
    Source: Rampasek et al. 2022, as torch_geometric's ``GPSConv`` computes it with Performer attention (ReLU
        features). Differs: LayerNorm instead of batch normalisation; no positional or structural encoding,
        since neighbourhood is in the edges; torch_geometric pads slides to the longest, and its Performer
        counts the padding as patches, which this one has not.
    """

    uses_edges = True

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 256,
        heads: int = 4,
        num_layers: int = 2,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise RecipeError(expected("Encoder 'gps'", "at least 1 layer", f"{num_layers}"))
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.layers = nn.ModuleList(
            GPSLayer(hidden_channels, heads=heads, dropout=dropout) for _ in range(num_layers)
        )

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """Layer after layer."""
        for layer in self.layers:
            h = layer(h, bags)
        return h
