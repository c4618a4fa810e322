"""Rows to heads and back, and exact attention in memory that grows with the rows alone."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from wsigraph.errors import RecipeError, expected


def head_width(channels: int, heads: int, *, where: str) -> int:
    """Channels of each head.

    Raises: RecipeError: if the heads do not divide the channels; ``where`` names who asks.
    """
    if heads < 1 or channels % heads:
        raise RecipeError(expected(where, f"heads that divide its {channels} channels", f"{heads}"))
    return channels // heads


def split_heads(rows: Tensor, heads: int) -> Tensor:
    """``[..., n, C]`` -> ``[..., heads, n, C / heads]``, a view."""
    return rows.unflatten(-1, (heads, -1)).transpose(-2, -3)


def merge_heads(rows: Tensor) -> Tensor:
    """``[..., heads, n, D]`` -> ``[..., n, heads * D]``."""
    return rows.transpose(-2, -3).flatten(-2)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    r"""Exact softmax attention.

    .. math::  \mathrm{softmax}(Q K^\top / \sqrt{D})\, V

    Time grows with queries times keys; torch's fused kernels keep no matrix of that size.

    Shape: ``[..., heads, m, D]``, ``[..., heads, n, D]`` twice -> ``[..., heads, m, D]``.
    Source: Vaswani et al. 2017, eq. 1.
    """
    if query.ndim == 3:  # the fused kernels want a batch
        return scaled_dot_product_attention(query[None], key[None], value[None])[0]
    return scaled_dot_product_attention(query, key, value)
