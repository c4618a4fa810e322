"""Terms that compare the logits of one head in one view with the targets of the slides."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step


class HeadTerm(Objective):
    """A loss of logits and targets alone, which validation can read over all slides at once.

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read.
    """

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag") -> None:
        super().__init__()
        self.view, self.head = view, head
        self.needs = (Need(view, head, "logits"),)

    @abstractmethod
    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of some slides: logits ``[B, K]``, target ``[B, T]`` -> a scalar."""

    def forward(self, step: Step) -> Tensor:
        """Loss of the slides of the batch."""
        return self.loss(step.views[self.view].head(self.head).logits, step.target)


def check_rows(target: Tensor, logits: Tensor, width: int, *, where: str) -> Tensor:
    """The target as rows of the right width, in the precision of the loss.

    Args:
        target: What should be ``[B, width]``.
        logits: ``[B, K]``.
        width: Entries of each row.
        where: The term, as errors call it.

    Raises: RecipeError: if it has another shape.
    """
    if target.shape != (len(logits), width):
        raise RecipeError(
            expected(where, f"a target of shape {[len(logits), width]}", f"{list(target.shape)}")
        )
    return target.to(torch.promote_types(logits.dtype, torch.float32))


def widened(logits: Tensor) -> Tensor:
    """Logits in at least single precision."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def mean_of_known(errors: Tensor, known: Tensor) -> Tensor:
    r"""Mean over slides of each one's mean over its known entries; a slide with none counts 0.

    Args:
        errors: ``[B, K]``.
        known: ``[B, K]`` bool.
    """
    count = known.sum(1).clamp(min=1)
    return (torch.where(known, errors, 0.0).sum(1) / count).mean()
