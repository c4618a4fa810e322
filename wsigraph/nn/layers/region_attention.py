"""Attention inside the regions of a slide, and between what the regions stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.layers.multihead import attend, head_width, merge_heads, split_heads
from wsigraph.nn.layers.raster import inverse_order, permuted

EPS = 1e-8
"""Least spread that weights of a region are divided by."""


def _order(regions: Sequence[Tensor]) -> Tensor:
    """``[n]`` rows region by region."""
    return torch.cat([rows.flatten() for rows in regions])


def _by_region(x: Tensor, regions: Sequence[Tensor]) -> list[Tensor]:
    """``[R, P, channels]`` of each size of region, views of one copy."""
    groups = permuted(x, _order(regions)).split([rows.numel() for rows in regions])
    return [group.view(*rows.shape, -1) for group, rows in zip(groups, regions, strict=True)]


class RegionAttention(nn.Module):
    r"""Multi-head self-attention inside each region, with positions from a convolution of its logits.

    .. math::  \mathrm{softmax}(E + w * E)\, V, \quad E = Q K^\top / \sqrt{D}

    The convolution w runs over the queries of a region in their order, one kernel per head (EPEG). It
    commutes with the product by the keys, so it is applied to Q and no matrix of logits is kept; a bias of
    it would be lost in the softmax, and there is none.

    Args:
        channels: Channels of each row.
        heads: Number of heads.
        kernel: Queries that the convolution spans, odd.
        dropout: Dropout of the output.

    Shape: one slide ``[n, channels]`` and its regions ``[R, P]`` by size -> ``[n, channels]``; the squares of
        the regions' sizes in time, n in memory.
    Raises: RecipeError: if the heads do not divide the channels, or the kernel is even.
    Source: Tang et al. 2024 (R2T-MIL), R-MSA with EPEG. Differs: empty places of the square are left
        out, where the authors' code fills them with zero rows that attention then sees.
    """

    def __init__(self, channels: int, *, heads: int = 8, kernel: int = 15, dropout: float = 0.0) -> None:
        super().__init__()
        head_width(channels, heads, where="RegionAttention")
        if kernel % 2 == 0:
            raise RecipeError(expected("RegionAttention", "an odd kernel", f"{kernel}"))
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.along = nn.Conv2d(heads, heads, (kernel, 1), padding=(kernel // 2, 0), groups=heads, bias=False)
        self.project = nn.Sequential(nn.Linear(channels, channels), nn.Dropout(dropout))

    def forward(self, x: Tensor, regions: Sequence[Tensor]) -> Tensor:
        """Every row hears those of its region."""
        heard = []
        for packed in _by_region(self.qkv(x), regions):
            query, key, value = (split_heads(part, self.heads) for part in packed.chunk(3, -1))
            heard.append(merge_heads(attend(query + self.along(query), key, value)).flatten(0, 1))
        return self.project(permuted(torch.cat(heard), inverse_order(_order(regions))))


class CrossRegionAttention(nn.Module):
    r"""Each region is summed up a few times, the sums attend to each other, and rows take them back.

    .. math::  R_{rk} = \sum_p \mathrm{softmax}_p(X_r \Phi)_{pk}\, X_{rp}, \quad
        \hat R_k = \mathrm{MHSA}(R_k), \quad
        Y_{rp} = \sum_k \mathrm{softmax}_k(X_r \Phi)_{pk}\, \mathrm{minmax}_p(X_r \Phi)_{pk}\, \hat R_{rk}

    with minmax the weights of a region between 0 at its smallest and 1 at its largest logit.

    Args:
        channels: Channels of each row.
        heads: Number of heads.
        sums: Sums of each region k.
        dropout: Dropout of the attention's output.

    Shape: one slide ``[n, channels]`` and its regions ``[R, P]`` by size -> ``[n, channels]``; linear in n.
    Raises: RecipeError: if the heads do not divide the channels.
    Source: Tang et al. 2024 (R2T-MIL), CR-MSA. Differs: empty regions are left out, where the authors'
        code lets regions of zero rows take part; a region of one patch has no spread and takes nothing back.
    """

    def __init__(self, channels: int, *, heads: int = 8, sums: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        head_width(channels, heads, where="CrossRegionAttention")
        self.heads = heads
        self.weigh = nn.Parameter(torch.empty(channels, sums))
        nn.init.kaiming_uniform_(self.weigh, a=math.sqrt(5))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Sequential(nn.Linear(channels, channels), nn.Dropout(dropout))

    def forward(self, x: Tensor, regions: Sequence[Tensor]) -> Tensor:
        """Every row hears of all regions."""
        logits = x @ self.weigh  # [n, sums]
        inside = _by_region(logits, regions)  # [R, P, sums] of each size
        sums = [one.softmax(1).mT @ own for one, own in zip(inside, _by_region(x, regions), strict=True)]
        mixed = self._mix(torch.cat(sums)).split([len(rows) for rows in regions])
        heard = [
            ((one.softmax(2) * _between_ends(one)) @ there).flatten(0, 1)
            for one, there in zip(inside, mixed, strict=True)
        ]
        return permuted(torch.cat(heard), inverse_order(_order(regions)))

    def _mix(self, sums: Tensor) -> Tensor:
        """Attention over all regions ``[R, sums, channels]``, for each of their sums by itself."""
        parts = self.qkv(sums.transpose(0, 1)).chunk(3, -1)
        query, key, value = (split_heads(part, self.heads) for part in parts)
        return self.project(merge_heads(attend(query, key, value))).transpose(0, 1)


def _between_ends(logits: Tensor) -> Tensor:
    """Logits of a region as 0 at the smallest to 1 at the largest, over dimension 1."""
    low, high = logits.amin(1, keepdim=True), logits.amax(1, keepdim=True)
    return (logits - low) / (high - low + EPS)
