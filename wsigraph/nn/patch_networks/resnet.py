"""The built-in residual network as a patch network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from torch import Generator, Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.patches.augment.views import Augmentation
from wsigraph.patches.resnet import ResNet, unit_images


class PatchResNet(PatchNetwork, name="resnet18"):
    """ResNet-18 with instance normalisation, from random weights, and views by crop, mirror, colour and blur.

    Args:
        in_channels: Unused: it reads pixels.
        stem: ``"wide"`` for patches of 100 px and more, ``"small"`` for patches around a nucleus.
        width: Channels of the first stage; 64 is ResNet-18, with 512 features.
        augmentation: Numbers of ``Augmentation`` that differ from its defaults.

    Shape: raw ``[n, H, W, 3]`` uint8 -> ``[n, 8 * width]``.
    Raises: RecipeError: on another stem, a width below 1, or an augmentation that cannot be.
    Source: HNM-WSI (Huang et al. 2024), ResNet-18 with instance normalisation; He et al. 2016.
    """

    reads: ClassVar[Literal["features", "pixels"]] = "pixels"

    def __init__(
        self,
        in_channels: int = 3,
        *,
        stem: Literal["wide", "small"] = "wide",
        width: int = 64,
        augmentation: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if width < 1:
            raise RecipeError(expected("Patch network 'resnet18'", "a width of at least 1", f"{width}"))
        self.augmentation = make_augmentation(augmentation)
        self.network = ResNet(stem=stem, width=width)
        self.out_channels = self.network.out_channels

    def plain(self, raw: Tensor) -> Tensor:
        """Pixels in 0..1."""
        return unit_images(raw)

    def two_views(self, raw: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Two augmented views."""
        return self.augmentation.two_views(unit_images(raw), generator)

    def forward(self, patches: Tensor) -> Tensor:
        """Features of images."""
        return self.network(patches)


def make_augmentation(changes: Mapping[str, Any] | None) -> Augmentation:
    """The augmentation with some numbers changed, pairs also as lists, as JSON has them.

    Raises: RecipeError: if there is no such number, or it cannot be.
    """
    given: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in (changes or {}).items()
    }
    try:
        return Augmentation(**given)
    except TypeError as error:
        raise RecipeError(expected("Augmentation", "valid numbers", f"{given} ({error})")) from error
