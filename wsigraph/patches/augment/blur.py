"""Gaussian blur, each image by its own width."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

REACH = 3.0
"""Standard deviations after which the kernel ends."""


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    r"""Blur each image by a Gaussian; the image goes on mirrored beyond its edges, without repeating them.

    .. math::  w_j \propto \exp(-j^2 / 2 \sigma^2), \quad |j| \le R

    R is 3 times the largest sigma of the batch, rounded up, and at most the image's shorter side less one.

    Args:
        images: Patches.
        sigma: Standard deviation for each image, 0 leaves it as it is.

    Shape: images ``[B, C, H, W]``, sigma ``[B]`` -> ``[B, C, H, W]``.
    Units: pixels for sigma.
    """
    chosen = sigma > 0
    if not bool(chosen.any()):
        return images
    some, width = images[chosen], sigma[chosen].to(images)
    count, channels, rows, columns = some.shape
    reach = min(math.ceil(REACH * float(width.max())), min(rows, columns) - 1)
    away = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-(away**2) / (2.0 * width.unsqueeze(1) ** 2))  # [b, 2 R + 1]
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, dim=0)
    wide = nn.functional.pad(some, (reach, reach, reach, reach), mode="reflect")
    wide = wide.reshape(1, count * channels, *wide.shape[2:])  # each plane is a channel with its own kernel
    wide = nn.functional.conv2d(wide, kernel[:, None, None, :], groups=count * channels)
    wide = nn.functional.conv2d(wide, kernel[:, None, :, None], groups=count * channels)
    blurred = images.clone()
    blurred[chosen] = wide.reshape(count, channels, rows, columns)
    return blurred
