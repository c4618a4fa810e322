"""Attention over a whole slide in linear time and memory: random features in place of the softmax."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.utils.checkpoint import checkpoint

from wsigraph.data.bags import Bags
from wsigraph.nn.layers.multihead import head_width, merge_heads, split_heads

FLOOR = 1e-3
"""Added to every random feature, so that no sum of weights is 0."""

BLOCK = 4096
"""Rows whose random features exist at a time where there are more."""


def linear_attention(q: Tensor, k: Tensor, v: Tensor, *, directions: Tensor) -> Tensor:
    r"""Attention whose weights are products of random features.

    .. math::  \phi(x) = \mathrm{ReLU}(P x) + 10^{-3}, \quad
               o_i = \frac{\phi(q_i)^\top \sum_j \phi(k_j) v_j^\top}{\phi(q_i)^\top \sum_j \phi(k_j)}

    No N x N matrix exists, and on a large slide features exist for a block of rows at a time: the backward
    pass computes them again.

    Args:
        q: ``[H, N, D]`` queries of one slide.
        k: ``[H, N, D]`` keys.
        v: ``[H, N, D]`` values.
        directions: ``[R, D]`` P.

    Shape: ``[H, N, D]``.
    Source: Choromanski et al. 2021 (Performers), generalised attention with the ReLU.
    """
    if torch.compiler.is_exporting() or q.shape[1] <= BLOCK:
        return _answer(q, _sum(k, v, directions), directions)
    pairs = zip(k.split(BLOCK, 1), v.split(BLOCK, 1), strict=True)
    sums = torch.stack([_again(_sum, keys, values, directions) for keys, values in pairs]).sum(0)
    return torch.cat([_again(_answer, some, sums, directions) for some in q.split(BLOCK, 1)], 1)


def _features(x: Tensor, directions: Tensor) -> Tensor:
    return relu(x @ directions.T) + FLOOR


def _sum(k: Tensor, v: Tensor, directions: Tensor) -> Tensor:
    """What any query needs to know of keys and values: ``[H, R, D + 1]``, weights in the last column."""
    return _features(k, directions).transpose(1, 2) @ torch.cat([v, torch.ones_like(v[..., :1])], 2)


def _answer(q: Tensor, sums: Tensor, directions: Tensor) -> Tensor:
    found = _features(q, directions) @ sums
    return found[..., :-1] / found[..., -1:]


def _again(part: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """The part, which the backward pass runs again instead of keeping what is inside."""
    if not torch.is_grad_enabled():
        return part(*inputs)
    answer: Tensor = checkpoint(part, *inputs, use_reentrant=False, preserve_rng_state=False)
    return answer


def orthogonal_directions(count: int, width: int) -> Tensor:
    """``[count, width]`` unit rows in random directions, at right angles within each ``width`` of them."""
    blocks = [torch.linalg.qr(torch.randn(width, width))[0].T for _ in range(-(-count // width))]
    return torch.cat(blocks)[:count]


class LinearAttention(nn.Module):
    r"""Every patch of a slide hears every other: ``linear_attention`` between linear maps.

    The directions are drawn once, when the model is built, and are part of its state. Each slide is
    computed by itself, without padding.

    Args:
        channels: Channels of each node.
        heads: Heads, each ``channels / heads`` wide.
        directions: Number of random directions R; D log D for heads D wide where not given.

    Shape: x ``[N, channels]`` -> ``[N, channels]``.
    Raises: RecipeError: if heads do not divide the channels.
    Source: Choromanski et al. 2021. Differs: directions are not drawn anew during training.
    """

    directions: Tensor

    def __init__(self, channels: int, *, heads: int, directions: int | None = None) -> None:
        super().__init__()
        width = head_width(channels, heads, where="LinearAttention")
        count = max(1, int(width * math.log(width))) if directions is None else directions
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.out = nn.Linear(channels, channels)
        self.register_buffer("directions", orthogonal_directions(count, width))

    def forward(self, x: Tensor, bags: Bags) -> Tensor:
        """One slide after the other."""
        return self.out(torch.cat([self._attend(rows) for rows in bags.split(x)]))

    def _attend(self, rows: Tensor) -> Tensor:
        q, k, v = (split_heads(part(rows), self.heads) for part in (self.query, self.key, self.value))
        return merge_heads(linear_attention(q, k, v, directions=self.directions))
