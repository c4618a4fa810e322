"""Attention that should not rest on a few patches."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wsigraph.data.bags import Bags
from wsigraph.objectives.base import Need, Objective, Sizes, Step


class AttentionEntropy(Objective, name="attention_entropy"):
    r"""How far the entropy of a slide's attention is from the largest that n patches allow.

    .. math::  L = \frac1B \sum_b \Bigl(\log n_b + \sum_{i \in b} a_i \log a_i\Bigr)

    0 where all patches get the same attention, log n where one gets all. Mean over the columns of attention
    where there are several.

    Args:
        sizes: Widths of the model (unused here).
        view: View whose attention is read.
        head: Head whose attention is read, before the softmax.

    Source: AEM (Zhang et al. 2024), the negative entropy of the attention. Differs: log n is added, which
        changes no gradient and puts the optimum at 0.
    """

    tasks = None

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag") -> None:
        super().__init__()
        self.view, self.head = view, head
        self.needs = (Need(view, head, "attention_logits"),)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        seen = step.views[self.view]
        logits: Tensor = seen.head(self.head).attention_logits  # type: ignore[assignment]
        bags = Bags(seen.batch, seen.num_graphs)
        return torch.stack([missing_entropy(of_slide) for of_slide in bags.split(logits)]).mean()


def missing_entropy(logits: Tensor) -> Tensor:
    """Largest entropy less that of the softmax over rows, mean over the columns of ``[n, H]``: a scalar."""
    log_share = logits.to(torch.promote_types(logits.dtype, torch.float32)).log_softmax(0)
    return (log_share.exp() * (log_share + math.log(len(logits)))).sum(0).mean()
