"""Likelihood of hazards in bins of time."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from wsigraph.objectives.head_term import HeadTerm, check_rows, widened


class DiscreteTime(HeadTerm, name="discrete_time"):
    r"""Negative log-likelihood of surviving s bins, and of the event in the next where it happened.

    .. math::  L = -\frac1B \sum_b \Bigl( \sum_{k \le s_b} \log(1 - h_{bk})
        + \delta_b \log h_{b, s_b + 1} \Bigr), \qquad h = \sigma(y)

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read.

    Shape: logits ``[B, K]``, one per bin; target ``[B, 2]`` of (bins survived, event), as the task of this
        name gives it.
    Raises: RecipeError: if the target has another shape.
    Source: Gensheimer and Narasimhan 2019; the same likelihood in Zadeh and Schmid 2021.
    """

    tasks: ClassVar[frozenset[str] | None] = frozenset({"discrete_time"})

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over slides."""
        rows = check_rows(target, logits, 2, where="Term 'discrete_time'")
        return discrete_time_loss(logits, rows[:, 0], rows[:, 1])

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Events in the first and the last bin, and a slide that survived one."""
        last = num_outputs - 1.0
        rows = torch.tensor([[0.0, 1.0], [last, 1.0], [1.0, 0.0], [last, 0.0]])
        return rows[torch.arange(num_slides) % 4]


def discrete_time_loss(logits: Tensor, survived: Tensor, event: Tensor) -> Tensor:
    """Mean negative log-likelihood over slides.

    Args:
        logits: ``[B, K]`` of the hazards.
        survived: ``[B]`` bins survived, 0 to K; K only where censored.
        event: ``[B]`` 1 where the event happened in the bin after those, 0 where censored.
    """
    wide = widened(logits)
    bins = torch.arange(wide.shape[1], device=wide.device)
    past = bins < survived.unsqueeze(1)
    now = (bins == survived.unsqueeze(1)) & (event > 0).unsqueeze(1)
    # -log(1 - sigma(y)) = softplus(y), -log sigma(y) = softplus(-y)
    losses = torch.where(past, nn.functional.softplus(wide), 0.0)
    losses = losses + torch.where(now, nn.functional.softplus(-wide), 0.0)
    return losses.sum(1).mean()
