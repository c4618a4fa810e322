"""From what a model says of slides to the logits that its task makes an answer of."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.data.bag_output import BagOutput
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.training.head_levels import head_levels
from wsigraph.training.recipe import Recipe


def slide_logits(recipe: Recipe, seen: BagOutput) -> Tensor:
    """Logits of the first head; of a label tree those of every level side by side, the finest first.

    A level that several heads answer is told by the first of them. One that none answers is told by the
    finest: its logits are then the logarithms of summed probabilities.

    Args:
        recipe: What the model was built from.
        seen: Its prediction view, with every head.

    Shape: ``[B, K]``, or ``[B, A]`` with one column per class of each level.
    """
    first = seen.head(next(iter(recipe.heads))).logits
    tree = recipe.make_task().label_tree
    if tree is None:
        return first
    heads: dict[int, str] = {}
    for name, level in head_levels(recipe).items():
        heads.setdefault(level, name)
    levels = reversed(range(tree.num_levels))
    return torch.cat(
        [seen.head(heads[at]).logits if at in heads else summed_logits(first, tree, at) for at in levels], 1
    )


def summed_logits(fine: Tensor, tree: LabelTree, level: int) -> Tensor:
    """Logarithms of the probabilities of a level, summed from the finest: ``[B, K]`` -> ``[B, K_level]``."""
    below = torch.from_numpy(tree.membership(-1, level).T > 0).to(fine.device)  # [K_level, K]
    log_p = fine.log_softmax(1).unsqueeze(1)
    return log_p.where(below, float("-inf")).logsumexp(2)
