"""Supervised contrast of slides: those of one class close together, all others apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Remembered:
    """Slides of earlier steps, to compare with; they get no gradient.

    Args:
        embedding: ``[Q, C]``.
        labels: ``[Q]`` class, -1 where unknown or empty.
    """

    embedding: Tensor
    labels: Tensor


def supervised_contrast(
    embedding: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.1,
    memory: Remembered | None = None,
    anchor_weights: Tensor | None = None,
    entry_weights: Tensor | None = None,
) -> Tensor:
    r"""Supervised contrastive loss over the slides of a step, and remembered ones beside them.

    .. math::  L = \frac{\sum_i w_{t_i} L_i}{\sum_i w_{t_i}}, \quad
        L_i = -\frac1{|P_i|} \sum_{p \in P_i} \log \frac{\exp(z_i \cdot z_p / \tau)}
        {\sum_{a \ne i} v_{t_a} \exp(z_i \cdot z_a / \tau)}

    where z are embeddings of length 1, i runs over the slides of the step that have a positive, a over all
    other slides (remembered ones too), and :math:`P_i` are those of the class of i. Slides of unknown class
    take no part: they may be of any class.

    Slides of one class in one point, and the K classes as far apart as can be, score
    :math:`\log(|P| + N e^{-K / ((K - 1) \tau)})` with N negatives each: the least value of balanced classes.

    Args:
        embedding: ``[B, C]`` one vector per slide, of any length.
        labels: ``[B]`` class, -1 where unknown.
        temperature: tau; small values look at the nearest slides only.
        memory: Slides of earlier steps. A slide's own earlier vector is a positive like any other.
        anchor_weights: ``[K]`` w, how much each class's slides count; all the same where None.
            ``class_counts.balanced_weights`` makes rare classes count as much as common ones.
        entry_weights: ``[K]`` v above 0, how much each class's slides push; all the same where None.
            One over the class's number of entries lets every class push the same.

    Shape: a scalar, 0 where no slide has a positive.
    Source: Khosla et al. 2020, eq. 2; HMIL (Jin et al. 2025) on fine bag vectors, tau 0.1; v after Zhu et al.
    2022 (balanced contrastive learning). Differs: slides without a positive are left out of the mean.
    """
    kind = torch.promote_types(embedding.dtype, torch.float32)
    with torch.autocast(embedding.device.type, enabled=False):
        own = nn.functional.normalize(embedding.to(kind), dim=1)
        keys, key_labels = _with_memory(own, labels, memory)
        other = torch.ones(len(own), len(keys), dtype=torch.bool, device=own.device)
        other.fill_diagonal_(False)
        other &= (key_labels >= 0) & (labels >= 0).unsqueeze(1)
        positive = other & (labels.unsqueeze(1) == key_labels)
        rows = positive.any(1)
        if not bool(rows.any()):
            return embedding.sum() * 0.0
        positive, label = positive[rows], labels[rows]
        scores = own[rows] @ keys.T / temperature
        pushed = scores if entry_weights is None else scores + entry_weights.to(kind).log()[key_labels]
        total = pushed.where(other[rows], float("-inf")).logsumexp(1)
        each = total - (scores * positive).sum(1) / positive.sum(1)
        weight = each.new_ones(len(each)) if anchor_weights is None else anchor_weights.to(kind)[label]
        return (weight * each).sum() / weight.sum()


def _with_memory(own: Tensor, labels: Tensor, memory: Remembered | None) -> tuple[Tensor, Tensor]:
    if memory is None:
        return own, labels
    old = nn.functional.normalize(memory.embedding.detach().to(own.dtype), dim=1)
    return torch.cat([own, old]), torch.cat([labels, memory.labels])
