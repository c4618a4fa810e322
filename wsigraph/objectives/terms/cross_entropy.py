"""Cross-entropy of one head in one view."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.class_counts import ClassCounts, balanced_weights

WHERE = "Term 'cross_entropy'"


class CrossEntropy(Objective, name="cross_entropy"):
    r"""Cross-entropy of the slide's class, each class with its weight.

    .. math::  L = -\frac1B \sum_b w_{t_b} \log \mathrm{softmax}(y_b)_{t_b}

    Args:
        sizes: Widths of the model.
        view: View whose logits are read.
        head: Head whose logits are read.
        class_weights: ``"none"``: all 1. ``"balanced"``: n / (K n_c) for a class with n_c of the n training
            slides in K classes, which is 1 on average over those slides. Or one number for each class.

    Raises: RecipeError: if weights are no such word or numbers. CohortError: if a class to balance has no
        training slide.
    Differs: from torch's weighted mean: the sum is divided by the number of slides, not by the sum of their
        weights, which would cancel them where a step has one slide.
    """

    given: Tensor | None

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "bag",
        class_weights: str | Sequence[float] = "none",
    ) -> None:
        super().__init__()
        self.view, self.head = view, head
        self.needs = (Need(view, head, "logits"),)
        given = _given(class_weights, sizes.num_classes)
        self.register_buffer("given", None if given is None else torch.tensor(given), persistent=False)
        self.seen = ClassCounts(sizes.num_classes, where=WHERE) if class_weights == "balanced" else None

    def see(self, targets: Tensor) -> None:
        """Count the classes of the training slides, where they are to be balanced."""
        if self.seen is not None:
            self.seen.see(targets)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        logits = step.views[self.view].head(self.head).logits
        weights = self.given if self.seen is None else balanced_weights(self.seen())
        if weights is None:
            return nn.functional.cross_entropy(logits, step.target)
        return weighted_cross_entropy(logits, step.target, weights)


def weighted_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Mean over slides of each one's cross-entropy times the weight of its class.

    Args:
        logits: ``[B, K]``.
        target: ``[B]`` classes.
        weights: ``[K]``, in any precision.
    """
    losses = nn.functional.cross_entropy(logits, target, reduction="none")
    return (weights.to(losses)[target] * losses).mean()


def _given(class_weights: str | Sequence[float], num_classes: int) -> tuple[float, ...] | None:
    """Weights that the recipe spells out, or None."""
    what = f"class_weights 'none', 'balanced' or {num_classes} numbers from 0 on, not all 0"
    if isinstance(class_weights, str):
        if class_weights not in ("none", "balanced"):
            raise RecipeError(expected(WHERE, what, f"'{class_weights}'"))
        return None
    numbers = isinstance(class_weights, Sequence) and all(
        isinstance(w, int | float) and not isinstance(w, bool) and 0 <= w < math.inf for w in class_weights
    )
    if not numbers or len(class_weights) != num_classes or not any(class_weights):
        raise RecipeError(expected(WHERE, what, f"{class_weights}"))
    return tuple(float(w) for w in class_weights)
