"""Cross-entropy of what is known of a slide's classes in a label tree."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.head_term import HeadTerm, widened
from wsigraph.objectives.tree_targets import TASKS, example_lines, lines

WHERE = "Term 'tree_cross_entropy'"


class TreeCrossEntropy(HeadTerm, name="tree_cross_entropy"):
    r"""Negative log-likelihood of a slide's class at the level that the head answers, as far as it is known.

    .. math::  L = -\frac1B \sum_b \log \sum_{k \in t_b} \mathrm{softmax}(y_b)_k

    where :math:`t_b` is the class of the slide at the head's level, or, where it is unknown there, all
    classes below the finest known one: a slide only known to be benign says that one of the benign subtypes
    is right. Where all is known it is the cross-entropy. A slide of which nothing is known counts 0.

    Args:
        sizes: Widths of the model, and the tree.
        view: View whose logits are read.
        head: Head whose logits are read, at its own level.

    Shape: logits ``[B, K]``, target ``[B, L]`` of labels, coarse to fine, -1 where unknown.
    Raises: RecipeError: if there is no tree, or the target has another shape.
    """

    tasks: ClassVar[frozenset[str] | None] = TASKS
    below: Tensor

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag") -> None:
        super().__init__(sizes, view=view, head=head)
        self.tree, self.level = sizes.tree_for(WHERE), sizes.level(head, where=WHERE)
        self.register_buffer("below", classes_below(self.tree, self.level), persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over slides."""
        rows = lines(target, self.tree, where=WHERE)[:, : self.level + 1]
        return tree_cross_entropy(logits, rows, below=self.below)

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Classes in turn, some known only at the coarsest level."""
        return example_lines(self.tree, num_slides)


def classes_below(tree: LabelTree, level: int) -> Tensor:
    """For each class at or above a level the classes of that level below it.

    Args:
        tree: The tree.
        level: Number of the level.

    Shape: ``[level + 1, C, K_level]`` bool, where C is the number of classes of the widest level; rows
        without a class are all False.
    """
    widest = max(len(tree.classes[at]) for at in range(level + 1))
    below = np.zeros((level + 1, widest, len(tree.classes[level])), dtype=bool)
    for at in range(level + 1):
        below[at, : len(tree.classes[at])] = tree.membership(level, at).T > 0
    return torch.from_numpy(below)


def tree_cross_entropy(logits: Tensor, target: Tensor, *, below: Tensor) -> Tensor:
    """Mean over slides of the negative log of the probability below the finest known class.

    Args:
        logits: ``[B, K]`` of one level.
        target: ``[B, l]`` int64 labels down to that level, -1 where unknown and below the unknown.
        below: ``[l, C, K]`` of :func:`classes_below`.
    """
    depth = (target >= 0).sum(1) - 1  # finest known level
    known = depth >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    depth, label = depth[known], target[known].gather(1, depth[known].unsqueeze(1)).squeeze(1)
    log_p = nn.functional.log_softmax(widened(logits[known]), dim=1)
    right = log_p.where(below[depth, label], float("-inf")).logsumexp(1)
    return -right.sum() / len(target)
