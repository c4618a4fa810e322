"""Mean squared error of one or several numbers."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from wsigraph.objectives.head_term import HeadTerm, check_rows, mean_of_known, widened


class MeanSquaredError(HeadTerm, name="mean_squared_error"):
    r"""Squared error of each number, where it is known.

    .. math::  L = \frac1B \sum_b \frac{1}{|K_b|} \sum_{k \in K_b} (y_{bk} - t_{bk})^2

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read.

    Shape: logits ``[B, K]``, target ``[B, K]`` of numbers or NaN (unknown: left out).
    Raises: RecipeError: if the target has another shape.
    """

    tasks: ClassVar[frozenset[str] | None] = frozenset({"regression"})

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over slides of the mean over known numbers."""
        wanted = check_rows(target, logits, logits.shape[1], where="Term 'mean_squared_error'")
        return mean_squared_error(logits, wanted)

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Numbers, every fourth of them unknown."""
        entries = torch.linspace(-1.0, 2.0, num_slides * num_outputs)
        entries[3::4] = torch.nan
        return entries.reshape(num_slides, num_outputs)


def mean_squared_error(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over slides of the mean over known numbers; a slide of which nothing is known counts 0.

    Args:
        logits: ``[B, K]``.
        target: ``[B, K]`` of numbers or NaN.
    """
    known = ~target.isnan()
    wide = widened(logits)
    return mean_of_known((wide - torch.where(known, target, 0.0).to(wide)).square(), known)
