"""Two random views of each patch, drawn from a given generator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from wsigraph.errors import FeatureError, RecipeError, expected
from wsigraph.patches.augment.blur import blur
from wsigraph.patches.augment.colour import brighten, saturate, set_contrast, turn_hue, without_colour
from wsigraph.patches.augment.geometry import crop, mirror


@dataclass(frozen=True)
class Draws:
    """What happens to each image of a batch.

    Args:
        box: ``[B, 4]`` left, top, width and height of the crop, as shares of the image.
        across: ``[B]`` bool, mirrored left to right.
        down: ``[B]`` bool, mirrored top to bottom.
        brightness: ``[B]`` factor, 1 changes nothing.
        contrast: ``[B]`` factor, 1 changes nothing.
        saturation: ``[B]`` factor, 1 changes nothing.
        hue: ``[B]`` share of the colour circle, 0 changes nothing.
        grey: ``[B]`` bool, without colour.
        sigma_px: ``[B]`` width of the blur, 0 for none.
    """

    box: Tensor
    across: Tensor
    down: Tensor
    brightness: Tensor
    contrast: Tensor
    saturation: Tensor
    hue: Tensor
    grey: Tensor
    sigma_px: Tensor

    def of(self, images: Tensor) -> Tensor:
        """The images so changed: crop, mirror, brightness, contrast, saturation, hue, grey, blur.

        Shape: ``[B, 3, H, W]`` in 0..1 -> the same.
        Raises: FeatureError: on another shape.
        """
        if images.ndim != 4 or images.shape[:2] != (len(self.box), 3):
            what = f"images [{len(self.box)}, 3, H, W]"
            raise FeatureError(expected("Augmentation", what, f"{list(images.shape)}"))
        images = mirror(crop(images, self.box), self.across, self.down)
        images = set_contrast(brighten(images, self.brightness), self.contrast)
        images = turn_hue(saturate(images, self.saturation), self.hue)
        return blur(without_colour(images, self.grey), self.sigma_px)


@dataclass(frozen=True)
class Augmentation:
    """How strongly patches are changed; every number 0 (areas and ratios 1) changes nothing.

    Args:
        area: Least and largest share of the patch's area that a crop keeps.
        ratio: Least and largest ratio of a crop's width to its height, before it is cut to the patch.
        flip: Probability of each mirroring: tissue has no up and no left.
        jitter: Probability that colours are changed.
        brightness: Factors lie within 1 - b and 1 + b.
        contrast: The same of contrast.
        saturation: The same of saturation.
        hue: Turns lie within -h and h of the colour circle.
        grey: Probability of no colour.
        blurred: Probability of a blur.
        sigma_px: Least and largest width of the blur.

    Raises: RecipeError: if a number lies outside its range.
    Source: the changes of SimCLR (Chen et al. 2020), with the strengths of supervised contrast (Khosla et al.
        2020). Differs: mirrored top to bottom too; colours change in one order; a crop that would stick out
        is cut to the patch, not drawn again.
    """

    area: tuple[float, float] = (0.2, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.1
    grey: float = 0.2
    blurred: float = 0.5
    sigma_px: tuple[float, float] = (0.1, 2.0)

    def __post_init__(self) -> None:
        shares = ("flip", "jitter", "brightness", "contrast", "saturation", "grey", "blurred")
        for holds, what, got in (
            *((0 <= getattr(self, s) <= 1, f"{s} between 0 and 1", getattr(self, s)) for s in shares),
            (0 <= self.hue <= 0.5, "hue between 0 and 0.5", self.hue),
            (0 < self.area[0] <= self.area[1] <= 1, "0 < area, rising, up to 1", self.area),
            (0 < self.ratio[0] <= self.ratio[1], "0 < ratio, rising", self.ratio),
            (0 <= self.sigma_px[0] <= self.sigma_px[1], "0 <= sigma_px, rising", self.sigma_px),
        ):
            if not holds:
                raise RecipeError(expected("Augmentation", what, f"{got}"))

    def draw(self, count: int, generator: Generator) -> Draws:
        """Draw what happens to ``count`` images, from the generator alone."""

        def uniform(low: float, high: float) -> Tensor:
            drawn = torch.rand(count, generator=generator, device=generator.device)
            return low + (high - low) * drawn

        def chance(share: float) -> Tensor:
            return uniform(0.0, 1.0) < share

        box = _box(uniform(*self.area), uniform(0.0, 1.0), self.ratio, (uniform(0.0, 1.0), uniform(0.0, 1.0)))
        across, down, jittered = chance(self.flip), chance(self.flip), chance(self.jitter)
        brightness, contrast, saturation = (
            torch.where(jittered, uniform(1 - most, 1 + most), torch.ones_like(box[:, 0]))
            for most in (self.brightness, self.contrast, self.saturation)
        )
        hue = torch.where(jittered, uniform(-self.hue, self.hue), torch.zeros_like(box[:, 0]))
        grey, blurred = chance(self.grey), chance(self.blurred)
        sigma_px = torch.where(blurred, uniform(*self.sigma_px), torch.zeros_like(box[:, 0]))
        return Draws(box, across, down, brightness, contrast, saturation, hue, grey, sigma_px)

    def two_views(self, images: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Two views of each image, drawn one after the other.

        Args:
            images: ``[B, 3, H, W]`` in 0..1.
            generator: On the images' device.
        """
        first = self.draw(len(images), generator)
        return first.of(images), self.draw(len(images), generator).of(images)


def _box(area: Tensor, where: Tensor, ratio: tuple[float, float], place: tuple[Tensor, Tensor]) -> Tensor:
    """Boxes of the areas, of ratios even on a logarithmic scale, anywhere in the image: ``[B, 4]``."""
    low, high = math.log(ratio[0]), math.log(ratio[1])
    stretch = torch.exp(0.5 * (low + (high - low) * where))  # width over height is its square
    width = (area.sqrt() * stretch).clamp(max=1.0)
    height = (area.sqrt() / stretch).clamp(max=1.0)
    return torch.stack([place[0] * (1 - width), place[1] * (1 - height), width, height], dim=1)
