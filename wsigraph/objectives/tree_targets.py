"""Targets over a label tree, as terms read them: one label per level, -1 where unknown."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.data.label_tree.tree import UNKNOWN, LabelTree
from wsigraph.errors import RecipeError, expected

TASKS = frozenset({"hierarchy"})
"""Tasks that give such targets."""


def labels_at(target: Tensor, tree: LabelTree, level: int, *, where: str) -> Tensor:
    """Labels of one level.

    Args:
        target: ``[B, L]``, coarse to fine, of any type.
        tree: The tree.
        level: Its number.
        where: The term, as errors call it.

    Shape: ``[B]`` int64.
    Raises: RecipeError: if the target has another shape.
    """
    return lines(target, tree, where=where)[:, level]


def lines(target: Tensor, tree: LabelTree, *, where: str) -> Tensor:
    """The target as whole numbers, ``[B, L]`` int64.

    Raises: RecipeError: if it has another shape.
    """
    if target.ndim != 2 or target.shape[1] != tree.num_levels:
        what = f"a target with a label for each of the levels {list(tree.levels)}"
        raise RecipeError(expected(where, what, f"shape {list(target.shape)}"))
    return target.long()


def example_lines(tree: LabelTree, num_slides: int) -> Tensor:
    """A made-up target for the conformance kit: two slides of each class in turn, every fifth known only at
    the coarsest level, as floats ``[num_slides, L]``."""
    count = len(tree.names())
    rows = torch.tensor([tree.line(-1, (slide // 2) % count) for slide in range(num_slides)])
    rows[4::5, 1:] = UNKNOWN
    return rows.float()
