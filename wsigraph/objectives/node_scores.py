"""Scores of patches for one class, and what a slide makes of its highest ones."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from wsigraph.errors import GraphError, RecipeError, expected

Scale = Literal["probabilities", "logits"]


def class_logit(node_logits: Tensor, target: int) -> Tensor:
    r"""The log-odds that each patch is of a class, for a head with any number of classes.

    .. math::  s_i = y_{ic} - \log \sum_{k \ne c} \exp y_{ik}, \quad \sigma(s_i) = \mathrm{softmax}(y_i)_c

    A head with one column gives log-odds already.

    Shape: node_logits ``[N, K]`` -> ``[N]``.
    Raises: RecipeError: if there is no such class.
    """
    classes = node_logits.shape[1]
    if not 0 <= target < classes:
        raise RecipeError(expected("Patch scores", f"a class below {classes}", f"{target}"))
    if classes == 1:
        return node_logits[:, 0]
    others = torch.cat([node_logits[:, :target], node_logits[:, target + 1 :]], dim=1)
    return node_logits[:, target] - others.logsumexp(dim=1)


def on_scale(logits: Tensor, scale: Scale) -> Tensor:
    """Log-odds as they are, or as probabilities.

    Raises: RecipeError: if there is no such scale.
    """
    if scale == "logits":
        return logits
    if scale == "probabilities":
        return logits.sigmoid()
    raise RecipeError(expected("Patch scores", "'probabilities' or 'logits'", f"'{scale}'"))


def top_mean(scores: Tensor, batch: Tensor, num_graphs: int, *, k: int) -> Tensor:
    """Mean of the k highest scores of each slide; of all where a slide has fewer patches.

    Args:
        scores: Score of each patch.
        batch: Slide of each patch.
        num_graphs: Number of slides B.
        k: How many.

    Shape: scores, batch ``[N]`` -> ``[B]``.
    Raises: GraphError: if a slide has no patch. RecipeError: if k is below 1.
    """
    if k < 1:
        raise RecipeError(expected("Highest patch scores", "k of at least 1", f"{k}"))
    means = []
    for slide in range(num_graphs):
        mine = scores[batch == slide]
        if not len(mine):
            raise GraphError(expected(f"Slide {slide} of the batch", "at least one patch", "none"))
        means.append(mine.topk(min(k, len(mine))).values.mean())
    return torch.stack(means)
