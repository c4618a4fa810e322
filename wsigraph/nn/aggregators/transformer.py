"""A transformer over the patches of a slide, read at its class token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.multihead import merge_heads, split_heads
from wsigraph.nn.layers.transformer_block import TransformerBlock


class LastBlock(TransformerBlock):
    """A block of which only the first token is read: its row alone is computed, in linear time."""

    def of_first(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """``[n, channels]`` -> the first row of ``forward`` ``[1, channels]``, its logits ``[heads, n]``."""
        normed, channels = self.attention_norm(tokens), tokens.shape[-1]
        asks, asked = self.packed.weight.split([channels, 2 * channels])
        query = split_heads(linear(normed[:1], asks), self.heads)
        key, value = (split_heads(rows, self.heads) for rows in linear(normed, asked).chunk(2, -1))
        logits = query @ key.mT / key.shape[-1] ** 0.5  # [heads, 1, n]
        row = tokens[:1] + self.after(merge_heads(logits.softmax(-1) @ value))
        return row + self.mlp(row), logits.squeeze(-2)


class Transformer(Aggregator, name="transformer"):
    r"""Read a class token that attended, layer after layer, to all patches of its slide.

    .. math::  T_0 = [t; X], \quad T_{l+1} = \mathrm{block}(T_l), \quad z = \mathrm{LN}(T_L)_{token}

    Patches have no positions, so their order does not matter. All layers but the last are full
    self-attention: time grows with the square of the patches, memory with the patches alone. The attention
    told is the last layer's from the token to the patches, as if it did not attend to itself.

    Args:
        in_channels: Channels of each node.
        num_layers: Number of blocks.
        heads: Heads of each block.
        widening: Width of the blocks' two-layer maps, in widths of the nodes.
        dropout: Dropout after the attention and in the two-layer maps.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, in_channels]``, attention ``[N, heads]``.
    Raises: GraphError: if a slide has no node. RecipeError: if there is no layer, or the heads do not divide
        the channels.
    Source: Vaswani et al. 2017; pre-norm blocks and class token as in Dosovitskiy et al. 2021, over the
        patches of a slide as in Wagner et al. 2023.
    """

    gives = frozenset({"attention", "attention_logits"})

    def __init__(
        self,
        in_channels: int,
        *,
        num_layers: int = 2,
        heads: int = 8,
        widening: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise RecipeError(expected("Aggregator 'transformer'", "at least 1 layer", f"{num_layers}"))
        self.out_channels = in_channels
        self.token = nn.Parameter(torch.randn(1, in_channels))
        self.blocks = nn.Sequential(
            *(
                TransformerBlock(in_channels, heads=heads, widening=widening, dropout=dropout)
                for _ in range(num_layers - 1)
            )
        )
        self.last = LastBlock(in_channels, heads=heads, widening=widening, dropout=dropout)
        self.norm = nn.LayerNorm(in_channels)

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="Transformer")
        read = [self.last.of_first(self.blocks(torch.cat([self.token, rows]))) for rows in bags.split(x)]
        logits = [one[:, 1:].T for _, one in read]  # [n, heads] of each slide
        attention = [one.softmax(0) for one in logits]
        z = self.norm(torch.cat([row for row, _ in read]))
        return Aggregated(z, torch.cat(attention), torch.cat(logits))
