"""WiKG: each patch hears the patches of its slide that a learned graph joins it with."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.encoders.mixer import Mixer
from wsigraph.nn.layers.knowledge_attention import best_tails, knowledge_attention


class WiKG(Mixer, name="wikg"):
    r"""Patches as heads and tails of a graph that is learned from their features alone.

    .. math::  e_i = \tfrac12 (f(W_0 x_i) + \mathrm{mean}_j f(W_0 x_j)), \quad h = W_h e, \; t = W_t e, \quad
               y_i = f(W_1 (h_i + n_i)) + f(W_2 (h_i \odot n_i))

    f is LeakyReLU, and n the attention of each head to its best tails, see ``knowledge_attention``. The edges
    and the places of the patches are not read. Time grows with the square of the patches of a slide, memory
    with their number.

    Args:
        in_channels: Channels of each patch.
        hidden_channels: Width of the embedding.
        neighbours: Tails of each head; a slide of fewer patches has fewer.
        dropout: Dropout of the output.

    Shape: x ``[N, in_channels]`` -> ``[N, hidden_channels]``.
    Raises: RecipeError: if a head is to have no tail.
    Source: Li et al. 2024, with the authors' code for the mean that is added to each patch. Differs: see
        ``knowledge_attention``; the gate layers that the authors' code makes and never uses are left out.
    """

    def __init__(
        self, in_channels: int, *, hidden_channels: int = 512, neighbours: int = 6, dropout: float = 0.3
    ) -> None:
        super().__init__()
        if neighbours < 1:
            raise RecipeError(expected("WiKG", "at least 1 neighbour", f"{neighbours}"))
        self.in_channels = in_channels
        self.stem_channels = self.out_channels = hidden_channels
        self.neighbours = neighbours
        self.linear = nn.Linear(in_channels, hidden_channels)
        self.head = nn.Linear(hidden_channels, hidden_channels)
        self.tail = nn.Linear(hidden_channels, hidden_channels)
        self.of_sum = nn.Linear(hidden_channels, hidden_channels)
        self.of_product = nn.Linear(hidden_channels, hidden_channels)
        self.dropout = nn.Dropout(dropout)

    def stem(self, x: Tensor) -> Tensor:
        """Project each patch: ``[N, in_channels]`` -> ``[N, hidden_channels]``."""
        return self.linear(x)

    def mix(self, h: Tensor, bags: Bags) -> Tensor:
        """Heads that heard their tails: ``[N, hidden_channels]`` -> ``[N, hidden_channels]``."""
        e = leaky_relu(h)
        e = (e + bags.mean(e)[bags.batch]) / 2
        heads, tails = self.head(e), self.tail(e)
        pairs = zip(bags.split(heads), bags.split(tails), strict=True)
        heard = torch.cat([self._hear(*pair) for pair in pairs])  # [N, hidden]
        together = leaky_relu(self.of_sum(heads + heard)) + leaky_relu(self.of_product(heads * heard))
        return self.dropout(together)

    def _hear(self, heads: Tensor, tails: Tensor) -> Tensor:
        return knowledge_attention(heads, tails, best_tails(heads, tails, k=self.neighbours))
