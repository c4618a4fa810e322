"""Targets that are classes, and the refusal of those that are not."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected

INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def class_indices(targets: Tensor, *, where: str, todo: str = "") -> Tensor:
    """The class of each slide, for a part that works with classes alone.

    Args:
        targets: One target per slide, whatever the task.
        where: The part that asks, as its errors call it.
        todo: What the caller can do where they are no classes.

    Shape: ``[n]`` -> ``[n]`` int64.
    Raises: RecipeError: if there is no slide, or targets are rows, fractions or unknown.
    """
    what = "one class (a whole number from 0) for each slide"
    if targets.ndim != 1 or not len(targets):
        got = f"targets of shape {list(targets.shape)}"
    elif targets.dtype not in INTEGERS:
        got = f"values such as {targets[0].item()}"
    elif bool((targets < 0).any()):
        unknown = (targets < 0).nonzero()[:, 0].tolist()
        got = f"no class (below 0) for {len(unknown)} of {len(targets)} slides, first number {unknown[0]}"
    else:
        return targets.long()
    raise RecipeError(expected(where, what, got, todo=todo))
