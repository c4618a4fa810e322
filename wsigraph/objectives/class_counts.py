"""How often each class stands among the training slides, kept with the terms that ask."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.class_targets import class_indices
from wsigraph.errors import CohortError, RecipeError, expected


class ClassCounts(nn.Module):
    """Number of training slides of each class: state, so that a resumed run has it.

    A term holds it as ``seen``, the place for what it learned of the training slides; such state is never
    taken from another run.

    Args:
        num_classes: Number of classes.
        where: The term that asks, as errors call it.
    """

    counts: Tensor

    def __init__(self, num_classes: int, *, where: str) -> None:
        super().__init__()
        self.where = where
        self.register_buffer("counts", torch.zeros(num_classes, dtype=torch.int64))

    def see(self, targets: Tensor) -> None:
        """Count the classes of the training slides, ``[n]``.

        Raises: RecipeError: if targets are no classes of this many. CohortError: if a class has no slide.
        """
        self.counts.copy_(count_classes(targets, len(self.counts), where=self.where))

    def forward(self) -> Tensor:
        """The counts, ``[num_classes]`` int64.

        Raises: RecipeError: if no slides were seen.
        """
        if not bool(self.counts.any()):
            todo = "Call objectives.see(targets) with the targets of the training slides."
            raise RecipeError(expected(self.where, "the classes of the training slides", "none", todo=todo))
        return self.counts


def count_classes(targets: Tensor, num_classes: int, *, where: str) -> Tensor:
    """Slides of each class, none of them 0.

    Args:
        targets: ``[n]`` index of each slide's class.
        num_classes: Number of classes.
        where: The part that asks, as errors call it.

    Shape: ``[num_classes]`` int64.
    Raises: RecipeError: if targets are no classes of this many. CohortError: if a class has no slide.
    """
    classes = class_indices(targets, where=where, todo="It weighs classes; other tasks have none.")
    if int(classes.max()) >= num_classes:
        got = f"class {int(classes.max())}"
        raise RecipeError(expected(where, f"classes from 0 to {num_classes - 1}", got))
    counts = torch.bincount(classes, minlength=num_classes)
    missing = (counts == 0).nonzero()[:, 0].tolist()
    if missing:
        raise CohortError(
            expected(
                where,
                "a training slide of every class",
                f"none of class {', '.join(map(str, missing))} among {len(classes)}",
                todo="What is never seen has no frequency: leave the class out, or give slides of it.",
            )
        )
    return counts


def balanced_weights(counts: Tensor) -> Tensor:
    r"""Weights by which all classes weigh the same in sum, and slides weigh 1 on average.

    .. math::  w_c = \frac{n}{K n_c}

    Args:
        counts: ``[K]`` slides of each class, none of them 0.

    Shape: ``[K]``, float64.
    Source: the class weights that scikit-learn calls balanced.
    """
    return counts.double().sum() / (len(counts) * counts)


def log_frequencies(counts: Tensor) -> Tensor:
    r"""Logarithm of each class's share of the slides, :math:`\log (n_c / n)`.

    Args:
        counts: ``[K]`` slides of each class, none of them 0.

    Shape: ``[K]``, float64.
    """
    return (counts.double() / counts.sum()).log()
