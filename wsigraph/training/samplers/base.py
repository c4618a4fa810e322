"""What a sampler is: it decides which slides stand in each step of training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from wsigraph.data.class_targets import class_indices
from wsigraph.errors import CohortError, expected
from wsigraph.registry import Part
from wsigraph.training.seeds import mix

T = TypeVar("T")


class SlideSampler(Part, ABC, family="sampler", package="wsigraph.training.samplers"):
    """One way to deal the training slides into the steps of an epoch; it keeps no state.

    The first argument of every constructor is ``slides_per_step``; the rest are the options of the recipe.

    Args:
        slides_per_step: Slides of a step.

    Attributes:
        reads_classes: Whether it asks for the class of each slide.
    """

    reads_classes: bool = True

    def __init__(self, slides_per_step: int) -> None:
        self.slides_per_step = slides_per_step

    def steps(self, targets: Tensor, *, seed: int, epoch: int) -> list[list[int]]:
        """Indices of the slides of each step, drawn from (seed, epoch) alone.

        Args:
            targets: One target per training slide.
            seed: Seed of the run.
            epoch: Counted from 0.

        Raises: RecipeError: if it needs classes, and targets are none. CohortError: if it cannot deal them.
        """
        return self.draw(targets, torch.Generator().manual_seed(mix(seed, "order", epoch)))

    @abstractmethod
    def draw(self, targets: Tensor, generator: torch.Generator) -> list[list[int]]:
        """Indices of the slides of each step; how many steps there are may not depend on what is drawn."""

    @property
    def where(self) -> str:
        """How errors call it."""
        return f"Sampler '{self.name}'"

    def by_class(self, targets: Tensor) -> dict[int, list[int]]:
        """Slides of each class that has any, classes in order.

        Raises: RecipeError: if targets are no classes.
        """
        todo = "The sampler 'shuffled' deals slides of any task."
        classes = class_indices(targets, where=self.where, todo=todo)
        return {int(c): (classes == c).nonzero()[:, 0].tolist() for c in classes.unique(sorted=True)}

    def several_classes(self, targets: Tensor) -> dict[int, list[int]]:
        """Slides of each class that has any, at least two of them.

        Raises: RecipeError: if targets are no classes. CohortError: if all slides have one class.
        """
        classes = self.by_class(targets)
        if len(classes) < 2:
            got = f"{len(targets)}, all of class {next(iter(classes))}"
            raise CohortError(expected(self.where, "training slides of at least 2 classes", got))
        return classes


class Deck:
    """Slides in random order, dealt one by one; shuffled anew when all were dealt.

    Args:
        slides: What is dealt.
        generator: Draws the orders.
    """

    def __init__(self, slides: Sequence[int], generator: torch.Generator) -> None:
        self.slides, self.generator = slides, generator
        self._pile: list[int] = []

    def take(self) -> int:
        """The next slide."""
        if not self._pile:
            self._pile = shuffle(self.slides, self.generator)
        return self._pile.pop()


def shuffle(items: Sequence[T], generator: torch.Generator) -> list[T]:
    """The same items in random order."""
    return [items[i] for i in torch.randperm(len(items), generator=generator).tolist()]


def cut(items: Sequence[T], size: int) -> list[list[T]]:
    """Runs of ``size`` items, the last one shorter where they do not divide."""
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
