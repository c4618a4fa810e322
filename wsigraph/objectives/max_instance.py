"""The highest scored patch answers for its slide."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.objectives.node_scores import top_mean


def max_instance(logits: Tensor, batch: Tensor, target: Tensor) -> Tensor:
    r"""Binary cross-entropy of each slide's highest patch, class by class.

    .. math::  L = \frac{1}{BC} \sum_{b,c} \mathrm{BCE}\bigl(\max_{i \in b} y_{ic},\; t_{bc}\bigr)

    A column may stand only for a class whose absence from a slide means that none of its patches shows it. A
    background class ("normal") is no such class: normal patches lie in positive slides too, and this loss
    would forbid them. Leave its column out.

    Args:
        logits: Log-odds of each patch, one column per class.
        batch: Slide of each patch.
        target: Whether each slide is of each class, 0 or 1.

    Shape: logits ``[N, C]``, batch ``[N]``, target ``[B, C]`` -> a scalar.
    Raises: GraphError: if a slide has no patch.
    Source: DSMIL (Li et al. 2021), the instance stream; half of HNM-WSI's classification loss. Differs: the
        highest patch of each class is taken by its log-odds, and ties share nothing: one of them answers.
    """
    highest = torch.stack(
        [top_mean(column, batch, len(target), k=1) for column in logits.unbind(1)], dim=1
    )  # [B, C]
    return nn.functional.binary_cross_entropy_with_logits(highest, target.to(highest.dtype))
