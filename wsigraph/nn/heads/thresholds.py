"""From one score per slide to log probabilities of ordered classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected


class Thresholds(nn.Module):
    r"""Ordered thresholds on one score: the cumulative link model with a logistic link.

    .. math::  P(t \le k) = \sigma(\theta_k - s), \quad \theta_{k+1} = \theta_k + \mathrm{softplus}(\delta_k)

    Thresholds begin where all classes are equally likely at s = 0.

    Args:
        num_classes: Number of classes K.

    Shape: score ``[B, 1]`` -> log probabilities ``[B, K]``, lowest class first; their exponentials sum to 1.
    Raises: RecipeError: if there are fewer than 2 classes.
    Source: McCullagh 1980. Differs: increments through softplus, so that thresholds stay in order whatever
        the optimiser does.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        if num_classes < 2:
            raise RecipeError(expected("Thresholds", "at least 2 classes", f"{num_classes}"))
        start = torch.logit(torch.arange(1, num_classes, dtype=torch.float64) / num_classes)
        self.first = nn.Parameter(start[:1].float())
        self.steps = nn.Parameter(torch.expm1(start.diff()).log().float())  # softplus of it is the step

    def forward(self, score: Tensor) -> Tensor:
        """Log probability of each class."""
        steps = nn.functional.softplus(self.steps)  # [K - 2]
        margin = torch.cat([self.first, self.first + steps.cumsum(0)]) - score  # [B, K - 1], theta_k - s
        below, above = nn.functional.logsigmoid(margin), nn.functional.logsigmoid(-margin)
        # sigma(b) - sigma(a) = sigma(b) sigma(-a) (1 - e^{a - b}), where b - a is a step
        between = below[:, 1:] + above[:, :-1] + torch.log(-torch.expm1(-steps))
        return torch.cat([below[:, :1], between, above[:, -1:]], 1)
