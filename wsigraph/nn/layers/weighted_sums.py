"""Several weighted sums of the rows of each slide."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.data.bags import Bags


def weighted_sums(weights: Tensor, rows: Tensor, bags: Bags) -> Tensor:
    r"""Sum the rows of each slide once for each column of weights.

    .. math::  z_{bh} = \sum_{i \in b} a_{ih} x_i

    One product of matrices per slide: nothing of size N x H x C is made.

    Args:
        weights: ``[N, H]``.
        rows: ``[N, C]``.
        bags: How the rows are divided into slides.

    Shape: ``[B, H, C]``.
    """
    pairs = zip(bags.split(weights), bags.split(rows), strict=True)
    return torch.stack([a.T @ x for a, x in pairs])


def weighted_sum(weight: Tensor, rows: Tensor, bags: Bags) -> Tensor:
    """The same for one column of weights: ``[N, 1]`` and ``[N, C]`` -> ``[B, C]``."""
    return weighted_sums(weight, rows, bags).squeeze(1)
