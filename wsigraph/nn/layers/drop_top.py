"""Hiding some of the highest scored patches while training."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.data.bags import Bags


def drop_top(scores: Tensor, bags: Bags, *, k: int, share: float) -> Tensor:
    """Scores with some of the k highest of each slide and column at the lowest number there is.

    A softmax gives those patches nothing and shares their attention among the others. Each column draws its
    own. A slide of fewer than k patches has as many candidates as patches; at least one patch stays.

    Args:
        scores: ``[N, H]``.
        bags: How the rows are divided into slides.
        k: Candidates of each slide and column.
        share: Share of the candidates that is hidden, rounded down; below 1.

    Shape: ``[N, H]``.
    Source: ACMIL (Zhang et al. 2024), stochastic top-K instance masking.
    """
    hidden = torch.zeros_like(scores, dtype=torch.bool)
    for mine, mask in zip(bags.split(scores.detach()), bags.split(hidden), strict=True):
        candidates = mine.topk(min(k, len(mine)), dim=0).indices  # [k, H]
        order = torch.rand(candidates.shape, device=scores.device).argsort(0)
        drawn = candidates.gather(0, order[: int(len(candidates) * share)])
        mask.scatter_(0, drawn, True)  # a view of ``hidden``
    return scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
