"""Changes of colour: brightness, contrast, saturation, hue, and none at all.

Everywhere: images ``[B, 3, H, W]`` are red, green, blue in 0..1, and one number per image ``[B]`` says how
much; results are clipped to 0..1.
"""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)
"""Share of red, green and blue in grey (ITU-R BT.601)."""


def grey(images: Tensor) -> Tensor:
    """Each image without colour.

    Shape: ``[B, 3, H, W]`` -> ``[B, 1, H, W]``.
    """
    red, green, blue = images.split(1, dim=1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def brighten(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply each image: 0 is black, 1 the image."""
    return (images * _each(factor)).clamp(0.0, 1.0)


def set_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Blend each image with its mean grey: 0 is that grey, 1 the image, above 1 more contrast."""
    return _blend(images, grey(images).mean(dim=(2, 3), keepdim=True), factor)


def saturate(images: Tensor, factor: Tensor) -> Tensor:
    """Blend each pixel with its grey: 0 has no colour, 1 is the image, above 1 more colour."""
    return _blend(images, grey(images), factor)


def turn_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of all pixels by a share of the colour circle; value and saturation stay (HSV)."""
    value, brightest = images.max(dim=1)
    chroma = value - images.min(dim=1).values
    red, green, blue = images.unbind(1)
    divisor = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    sixth = torch.stack([green - blue, blue - red, red - green], dim=1) / divisor.unsqueeze(1)
    start = torch.tensor([0.0, 2.0, 4.0], device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    hue = (sixth + start).gather(1, brightest.unsqueeze(1)) + 6.0 * _each(turn)  # in sixths of the circle
    away = torch.tensor([5.0, 3.0, 1.0], device=images.device, dtype=images.dtype).view(1, 3, 1, 1)
    place = torch.remainder(away + hue, 6.0)
    share = torch.minimum(place, 4.0 - place).clamp(0.0, 1.0)
    return (value.unsqueeze(1) - chroma.unsqueeze(1) * share).clamp(0.0, 1.0)


def without_colour(images: Tensor, chosen: Tensor) -> Tensor:
    """Some images in grey.

    Args:
        images: Patches.
        chosen: ``[B]`` bool, which.
    """
    return torch.where(chosen.view(-1, 1, 1, 1), grey(images), images)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    factor = _each(factor)
    return (factor * images + (1.0 - factor) * other).clamp(0.0, 1.0)


def _each(factor: Tensor) -> Tensor:
    return factor.view(-1, 1, 1, 1)
