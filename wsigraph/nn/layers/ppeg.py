"""PPEG: positions from depthwise convolutions over a square of rows."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

SIZES = (7, 5, 3)
"""Sides of the three kernels."""


class PPEG(nn.Module):
    r"""Pyramid position encoding generator: three depthwise convolutions over a square, added to it.

    .. math::  X + K_7 * X + K_5 * X + K_3 * X

    The kernels are added first, with 1 in the middle for X itself, so that the square is walked once.

    Args:
        channels: Channels of each row.

    Shape: a square row by row ``[side * side, channels]`` -> the same; zeros outside.
    Source: Shao et al. 2021 (TransMIL), Algorithm 3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kernels = nn.ModuleList(
            nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels) for size in SIZES
        )

    def forward(self, x: Tensor, side: int) -> Tensor:
        """Add what lies around each row of the square."""
        weight, bias = self.folded()
        square = x.view(1, side, side, -1).permute(0, 3, 1, 2)  # [1, channels, side, side], channels last
        out = conv2d(square, weight, bias, padding=SIZES[0] // 2, groups=x.shape[1])
        return out.permute(0, 2, 3, 1).reshape(x.shape)

    def folded(self) -> tuple[Tensor, Tensor]:
        """All three kernels and the identity as one, ``[channels, 1, 7, 7]``; their bias ``[channels]``."""
        half = SIZES[0] // 2
        wide = [pad(one.weight, [half - one.weight.shape[-1] // 2] * 4) for one in self._convolutions()]
        middle = pad(wide[0].new_ones(1, 1, 1, 1), [half] * 4)
        biases = [one.bias for one in self._convolutions() if one.bias is not None]
        return torch.stack(wide).sum(0) + middle, torch.stack(biases).sum(0)

    def _convolutions(self) -> list[nn.Conv2d]:
        return cast(list[nn.Conv2d], list(self.kernels))
