"""Inputs on one scale, by statistics of the training slides."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    r"""Shift and scale each channel.

    .. math::  y = (x - \mu) / \sigma

    A channel that does not vary in training is shifted only.

    Args:
        channels: Number of channels.

    Shape: ``[N, channels]`` -> the same, float32.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Store the statistics of the training slides, each ``[channels]``."""
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6 * (1 + mean.abs()), std, torch.ones_like(std)))

    def forward(self, x: Tensor) -> Tensor:
        """Standardise rows."""
        return (x.to(self.mean.dtype) - self.mean).div_(self.std)  # one copy, not two


class AsIs(nn.Module):
    """Inputs on the scale of the features: what a recipe asks for by ``standardise: false``.

    Shape: ``[N, channels]`` -> the same, in the precision of the model.
    """

    kind: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kind", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Cast rows."""
        return x.to(self.kind.dtype)
