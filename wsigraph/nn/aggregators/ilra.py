"""ILRA's pool: patches and a few learned latents ask each other, then one vector asks the patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.cross_attention import CrossAttention, GatedCrossAttention


class LowRankBlock(nn.Module):
    r"""Self-attention of low rank: learned latents ask the rows, then the rows ask the latents.

    .. math::  H = \mathrm{GatedMHA}(L, X), \quad \hat X = \mathrm{GatedMHA}(X, H)

    Args:
        in_channels: Channels of each row.
        channels: Channels of latents and answer.
        latents: Number of latents r.
        heads: Number of heads.

    Shape: one slide ``[n, in_channels]`` -> ``[n, channels]``; n times r in time.
    Source: Xiang and Zhang 2023, eq. 16.
    """

    def __init__(self, in_channels: int, channels: int, *, latents: int, heads: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(nn.init.xavier_uniform_(torch.empty(latents, channels)))
        self.gather = GatedCrossAttention(channels, in_channels, channels, heads=heads)
        self.spread = GatedCrossAttention(in_channels, channels, channels, heads=heads)

    def forward(self, x: Tensor) -> Tensor:
        """There and back."""
        return self.spread(x, self.gather(self.latents, x))


class ILRA(Aggregator, name="ilra"):
    r"""Mix a slide through a few latents, layer after layer, then pool by attention of one learned vector.

    .. math::  X_{l+1} = \mathrm{GatedMHA}(X_l, \mathrm{GatedMHA}(L_l, X_l)), \quad z = \mathrm{MHA}(s, X)

    Args:
        in_channels: Channels of each node.
        hidden_channels: Channels of the layers and of the bag vector.
        num_layers: Blocks of low rank.
        latents: Latents of each block, the rank r.
        heads: Heads of every attention.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, hidden_channels]``, attention of the pooling vector
        ``[N, heads]``. Linear in the patches.
    Raises: GraphError: if a slide has no node. RecipeError: if the heads do not divide the channels,
        or there is no layer or no latent.
    Source: Xiang and Zhang 2023 (ILRA-MIL), eq. 16, and the authors' code for what stands
        around each attention.
    """

    gives = frozenset({"attention", "attention_logits"})

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 256,
        num_layers: int = 2,
        latents: int = 64,
        heads: int = 8,
    ) -> None:
        super().__init__()
        if num_layers < 1 or latents < 1:
            got = f"{num_layers} and {latents}"
            raise RecipeError(expected("Aggregator 'ilra'", "at least 1 layer and 1 latent", got))
        self.out_channels = hidden_channels
        widths = (in_channels, *(hidden_channels,) * (num_layers - 1))
        self.layers = nn.Sequential(
            *(LowRankBlock(width, hidden_channels, latents=latents, heads=heads) for width in widths)
        )
        self.seed = nn.Parameter(nn.init.xavier_uniform_(torch.empty(1, hidden_channels)))
        self.pool = CrossAttention(hidden_channels, hidden_channels, hidden_channels, heads=heads)

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="ILRA")
        pooled = [self.pool.with_logits(self.seed, self.layers(rows)) for rows in bags.split(x)]
        logits = [one[:, 0].T for _, one in pooled]  # [n, heads] of each slide
        attention = [one.softmax(0) for one in logits]
        return Aggregated(torch.cat([z for z, _ in pooled]), torch.cat(attention), torch.cat(logits))
