"""What an objective is: a term of the loss that reads outputs and never calls a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from wsigraph.data.bag_output import BagOutput
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import RecipeError, expected
from wsigraph.registry import Part


@dataclass(frozen=True)
class Step:
    """All that the terms of one training step may read.

    Args:
        views: What the model said of each view.
        target: ``[B]`` index of each slide's class, or ``[B, T]`` rows of the task.
        inputs: ``[N, C]`` standardised features.
        epoch: Counted from 0.
        epochs: Length of the training.
    """

    views: dict[str, BagOutput]
    target: Tensor
    inputs: Tensor
    epoch: int = 0
    epochs: int = 1


@dataclass(frozen=True)
class Need:
    """Something a term reads, checked when the recipe is built.

    Args:
        view: Name of the view.
        head: Name of the head, or None for the view's node embeddings.
        field: Field of ``HeadOutput`` (or of ``BagOutput`` where ``head`` is None), or name of an extra.
        shape: Of an extra: ``"B"`` slides or ``"N"`` nodes first, then ``"K"`` for the outputs of the head,
            ``"E"`` for the width of its classes' vectors, or numbers.
        ranked: True where only the order of its values is read, so that no gradient reaches it.
    """

    view: str
    head: str | None = None
    field: str = "logits"
    shape: tuple[str | int, ...] = ()
    ranked: bool = False


@dataclass(frozen=True)
class Sizes:
    """Widths an objective may need to build its decoder or projector.

    Args:
        in_channels: Channels of each patch.
        node_channels: Width of the node embeddings.
        num_classes: Number of classes, or of the outputs that another task needs.
        tree: The classes of a hierarchy; None for every other task.
        levels: Level of the tree that a head answers, by the head's name; the finest where it is not there.
        class_channels: Width of the classes' vectors of heads that give them.
    """

    in_channels: int
    node_channels: int
    num_classes: int
    tree: LabelTree | None = None
    levels: Mapping[str, int] = field(default_factory=dict)
    class_channels: Mapping[str, int] = field(default_factory=dict)

    def tree_for(self, where: str) -> LabelTree:
        """The tree.

        Raises: RecipeError: if there is none; ``where`` names who asks.
        """
        if self.tree is None:
            todo = "Ask for the task 'hierarchy' with its tree."
            raise RecipeError(expected(where, "a recipe whose classes form a tree", "none", todo=todo))
        return self.tree

    def level(self, head: str, *, where: str) -> int:
        """Level that a head answers, 0 the coarsest.

        Raises: RecipeError: if there is no tree; ``where`` names who asks.
        """
        return self.levels.get(head, self.tree_for(where).num_levels - 1)

    def outputs(self, head: str) -> int:
        """Number of a head's outputs."""
        return self.num_classes if self.tree is None else len(self.tree.names(self.levels.get(head, -1)))


class Objective(nn.Module, Part, ABC, family="objective", package="wsigraph.objectives.terms"):
    """One term of the loss.

    The first argument of every constructor is a ``Sizes``; the rest are the options of the recipe.

    Attributes:
        needs: What the term reads.
        tasks: Names of the tasks whose targets it can read; None where it reads no target. Where it says
            nothing, it reads classes.
        per_slide: False for a term that compares the slides of a step with each other.
        num_outputs: Outputs it reads; None where any number will do.
        least_slides: Fewest slides of a step from which it learns anything.
    """

    needs: tuple[Need, ...]
    tasks: ClassVar[frozenset[str] | None] = frozenset({"classification", "ordinal"})
    per_slide: ClassVar[bool] = True
    num_outputs: ClassVar[int | None] = None
    least_slides: ClassVar[int] = 1

    def see(self, targets: Tensor) -> None:
        """Learn from the targets of all training slides, ``[n]`` or ``[n, T]``, before the first step.

        What is learned is kept in buffers of a module called ``seen``: a resumed run has it, and a run that
        starts from this one does not take it.
        """

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """A made-up target that the term can read, for the conformance kit: ``[B]`` or ``[B, T]``."""
        return torch.arange(num_slides) % num_outputs

    @abstractmethod
    def forward(self, step: Step) -> Tensor:
        """The term as a scalar: the mean over the slides of the batch, 0 where there is nothing to do."""
