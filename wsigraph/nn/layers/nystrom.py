"""Nystrom attention: self-attention over a sequence through a few landmarks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.layers.multihead import attend, head_width, merge_heads, split_heads


def pseudo_inverse_times(matrix: Tensor, rows: Tensor, *, iterations: int = 6) -> Tensor:
    r"""Moore-Penrose inverse of square matrices, times some rows, by an iteration of third order.

    .. math::  Z_0 = A^\top / (\|A\|_1 \|A\|_\infty), \quad
        Z_{i+1} = \tfrac14 Z_i (13 I - A Z_i (15 I - A Z_i (7 I - A Z_i))), \quad A^+ V \approx Z_k V

    No Z is formed: all :math:`B_i = A Z_i` are polynomials of the first, which gives
    :math:`B_{i+1} = \tfrac14 B_i\, p(B_i)` with :math:`p(B) = 13 I - 15 B + 7 B^2 - B^3`, and

    .. math::  Z_k V = Z_0 \, \tfrac14 p(B_{k-1}) \cdots \tfrac14 p(B_0)\, V

    at three fifths of the cost where V is thin. Few steps are meant: along directions that a matrix has not,
    rounding errors grow by 13/4 in each.

    Args:
        matrix: A ``[..., m, m]``.
        rows: V ``[..., m, D]``.
        iterations: Steps k, at least 1.

    Shape: ``[..., m, D]``.
    Source: Xiong et al. 2021, after Razavi et al. 2014. Differs: each matrix is scaled by its own
    norms; the usual implementation takes the largest over all heads and all slides of a batch, so that a
    slide's answer depends on those beside it.
    """
    size = matrix.abs()
    norms = (size.sum(-1).amax(-1) * size.sum(-2).amax(-1))[..., None, None]
    both = matrix @ matrix.mT / norms
    for _ in range(iterations - 1):
        square, once = both @ both, both @ rows
        rows = 0.25 * (13 * rows - 15 * once + square @ (7 * rows - once))
        both = 0.25 * (13 * both - 15 * square + square @ (7 * both - square))
    once = both @ rows
    rows = 0.25 * (13 * rows - 15 * once + both @ (7 * once - both @ once))
    return matrix.mT @ rows / norms


def segment_means(rows: Tensor, segments: int) -> Tensor:
    """Means of consecutive rows, in ``segments`` runs whose lengths differ by one at most.

    Shape: ``[..., n, C]`` -> ``[..., segments, C]``; n at least ``segments``.
    """
    length, longer = divmod(rows.shape[-2], segments)
    head, tail = rows.split([longer * (length + 1), (segments - longer) * length], dim=-2)
    return torch.cat(
        [
            head.unflatten(-2, (longer, length + 1)).mean(-2),
            tail.unflatten(-2, (segments - longer, length)).mean(-2),
        ],
        dim=-2,
    )


def through_landmarks(
    query: Tensor, key: Tensor, value: Tensor, *, landmarks: tuple[Tensor, Tensor], iterations: int = 6
) -> Tensor:
    r"""Attention through landmarks.

    .. math::  \mathrm{softmax}(Q \tilde K^\top) \;
        \mathrm{softmax}(\tilde Q \tilde K^\top)^{+} \; \mathrm{softmax}(\tilde Q K^\top)\, V

    with logits over the square root of D. Time and memory grow with the rows, not with their square.

    Args:
        query: Q ``[heads, m, D]``.
        key: K ``[heads, n, D]``.
        value: V ``[heads, n, D]``.
        landmarks: Queries and keys that stand for all, ``[heads, l, D]`` each.
        iterations: Steps towards the pseudo-inverse, which is computed in single precision at least.

    Shape: ``[heads, m, D]``.
    Source: Xiong et al. 2021 (Nystromformer), Algorithm 1.
    """
    few_queries, few_keys = landmarks
    gathered = attend(few_queries, key, value)  # [heads, l, D]
    kind = torch.promote_types(query.dtype, torch.float32)
    with torch.autocast(query.device.type, enabled=False):
        logits = few_queries.to(kind) @ few_keys.to(kind).mT / few_queries.shape[-1] ** 0.5
        spread = pseudo_inverse_times(logits.softmax(-1), gathered.to(kind), iterations=iterations)
    return attend(query, few_keys, spread.to(few_keys.dtype))


class NystromAttention(nn.Module):
    r"""Nystrom self-attention over a sequence, and a depthwise convolution of the values along it.

    .. math::  W_o\,(\mathrm{nystrom}(XW_q, XW_k, XW_v) + w * XW_v) + b_o

    Landmarks are means of consecutive queries and keys. A sequence no longer than the landmarks is attended
    exactly.

    Args:
        channels: Channels of each row.
        heads: Number of heads.
        landmarks: Landmarks of a sequence.
        iterations: Steps towards the pseudo-inverse.
        kernel: Rows that the convolution spans, odd; one kernel for all channels of a head.
        dropout: Dropout of the output.

    Shape: one sequence ``[n, channels]`` -> ``[n, channels]``.
    Raises: RecipeError: if the heads do not divide the channels, or a size cannot be.
    Source: Xiong et al. 2021, with the settings of TransMIL (Shao et al. 2021). Differs: runs of rows whose
    lengths differ by one, where the usual implementation puts zero rows in front that attention then sees;
    exact attention instead of mostly zero rows where there are fewer rows than landmarks.
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int = 8,
        landmarks: int = 256,
        iterations: int = 6,
        kernel: int = 33,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        head_width(channels, heads, where="NystromAttention")
        if min(landmarks, iterations) < 1 or kernel % 2 == 0:
            got = f"{landmarks}, {iterations} and {kernel}"
            wanted = "at least 1 landmark, at least 1 iteration and an odd kernel"
            raise RecipeError(expected("NystromAttention", wanted, got))
        self.heads, self.landmarks, self.iterations = heads, landmarks, iterations
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.along = nn.Conv2d(heads, heads, (kernel, 1), padding=(kernel // 2, 0), groups=heads, bias=False)
        self.project = nn.Linear(channels, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Every row: ``[n, channels]`` -> ``[n, channels]``."""
        query, key, value = (split_heads(rows, self.heads) for rows in self.qkv(x).chunk(3, -1))
        if len(x) <= self.landmarks:
            out = attend(query, key, value)
        else:
            few = segment_means(query, self.landmarks), segment_means(key, self.landmarks)
            out = through_landmarks(query, key, value, landmarks=few, iterations=self.iterations)
        out = out + self.along(value[None])[0]
        return self.dropout(self.project(merge_heads(out)))

    def of_first(self, x: Tensor) -> Tensor:
        """The first row of ``forward`` alone, ``[1, channels]``: most queries are never projected."""
        weight = self.qkv.weight.chunk(3)
        key, value = (split_heads(rows, self.heads) for rows in linear(x, torch.cat(weight[1:])).chunk(2, -1))
        if len(x) <= self.landmarks:
            query = split_heads(linear(x[:1], weight[0]), self.heads)
            out = attend(query, key, value)
        else:
            asked = linear(torch.cat([x[:1], segment_means(x, self.landmarks)]), weight[0])
            query, few = split_heads(asked, self.heads).split([1, self.landmarks], dim=-2)
            both = few, segment_means(key, self.landmarks)  # the mean of projections is the mean's
            out = through_landmarks(query, key, value, landmarks=both, iterations=self.iterations)
        near = value[None, :, : self.along.kernel_size[0] // 2 + 1]
        after = self.along.weight[:, :, self.along.kernel_size[0] // 2 :][:, :, : near.shape[2]]
        out = out + conv2d(near, after, groups=self.heads)[0]
        return self.dropout(self.project(merge_heads(out)))
