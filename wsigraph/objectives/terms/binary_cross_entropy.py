"""Binary cross-entropy of several labels."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from wsigraph.objectives.head_term import HeadTerm, check_rows, mean_of_known, widened


class BinaryCrossEntropy(HeadTerm, name="binary_cross_entropy"):
    r"""Cross-entropy of each label on its own, where it is known.

    .. math::  L = -\frac1B \sum_b \frac{1}{|K_b|} \sum_{k \in K_b}
        t_{bk} \log \sigma(y_{bk}) + (1 - t_{bk}) \log(1 - \sigma(y_{bk}))

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read.

    Shape: logits ``[B, K]``, target ``[B, K]`` of 1, 0 or NaN (unknown: left out).
    Raises: RecipeError: if the target has another shape.
    """

    tasks: ClassVar[frozenset[str] | None] = frozenset({"multilabel"})

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over slides of the mean over known labels."""
        wanted = check_rows(target, logits, logits.shape[1], where="Term 'binary_cross_entropy'")
        return binary_cross_entropy(logits, wanted)

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Every kind of entry."""
        entries = torch.tensor([1.0, 0.0, torch.nan, 1.0, 0.0])
        return entries[torch.arange(num_slides * num_outputs) % 5].reshape(num_slides, num_outputs)


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over slides of the mean over known labels; a slide of which nothing is known counts 0.

    Args:
        logits: ``[B, K]``.
        target: ``[B, K]`` of 1, 0 or NaN.
    """
    known = ~target.isnan()
    wide = widened(logits)
    errors = nn.functional.binary_cross_entropy_with_logits(
        wide, torch.where(known, target, 0.0).to(wide), reduction="none"
    )
    return mean_of_known(errors, known)
