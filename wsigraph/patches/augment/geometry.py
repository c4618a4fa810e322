"""Crops, resized to the size of the patch, and mirrored patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def crop(images: Tensor, box: Tensor) -> Tensor:
    """Enlarge a part of each image to the size of the whole, bilinearly.

    Pixels are squares whose values stand at their centres; half a pixel beyond the image its edge goes on.

    Args:
        images: Patches.
        box: Left, top, width and height of each part, as shares of the image's width and height.

    Shape: images ``[B, C, H, W]``, box ``[B, 4]`` -> ``[B, C, H, W]``.
    """
    left, top, width, height = box.to(images).unbind(1)
    zero = torch.zeros_like(left)
    across = torch.stack([width, zero, 2 * left + width - 1], dim=1)  # from -1 to 1 along the image
    down = torch.stack([zero, height, 2 * top + height - 1], dim=1)
    grid = nn.functional.affine_grid(
        torch.stack([across, down], dim=1), list(images.shape), align_corners=False
    )
    return nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def mirror(images: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Mirror some images left to right, some top to bottom.

    Args:
        images: Patches.
        across: Which images are mirrored left to right.
        down: Which images are mirrored top to bottom.

    Shape: images ``[B, C, H, W]``, across and down ``[B]`` bool -> ``[B, C, H, W]``.
    """
    images = torch.where(across.view(-1, 1, 1, 1), images.flip(3), images)
    return torch.where(down.view(-1, 1, 1, 1), images.flip(2), images)
