"""Attention branches that should not look at the same patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.objectives.base import Need, Objective, Sizes, Step


class AttentionDiversity(Objective, name="attention_diversity"):
    r"""Mean cosine between the attentions of every two branches of a head.

    .. math::  L = \frac1B \sum_b \frac{2}{M(M-1)} \sum_{m<n} \cos(a_{bm}, a_{bn})

    0 where no two branches share a patch, 1 where all are alike. One branch alone costs nothing.

    Args:
        sizes: Widths of the model (unused here).
        view: View whose attention is read.
        head: Head whose attention is read, one column per branch.

    Source: ACMIL (Zhang et al. 2024), diversity regularisation of multiple branch attention.
    """

    tasks = None

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag") -> None:
        super().__init__()
        self.view, self.head = view, head
        self.needs = (Need(view, head, "attention"),)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        seen = step.views[self.view]
        attention: Tensor = seen.head(self.head).attention  # type: ignore[assignment]
        bags = Bags(seen.batch, seen.num_graphs)
        return torch.stack([mean_cosine(of_slide) for of_slide in bags.split(attention)]).mean()


def mean_cosine(columns: Tensor) -> Tensor:
    """Mean cosine of every two columns of ``[n, M]``, a scalar; 0 where there is one column."""
    branches, kind = columns.shape[1], torch.promote_types(columns.dtype, torch.float32)
    with torch.autocast(columns.device.type, enabled=False):  # cosines want the digits
        length = nn.functional.normalize(columns.to(kind), dim=0)
        cosines = (length.T @ length).triu(diagonal=1)  # [M, M]
    return cosines.sum() / max(branches * (branches - 1) // 2, 1)
