"""Any model of timm as a patch network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from wsigraph.errors import WeightsError, expected
from wsigraph.nn.patch_networks.base import PatchNetwork
from wsigraph.nn.patch_networks.resnet import make_augmentation
from wsigraph.patches.encoders.timm import check_model, import_timm
from wsigraph.patches.resnet import unit_images


class PatchTimm(PatchNetwork, name="timm"):
    """The pooled features of a timm model, every weight of which is trained.

    Patches are resized to what the model's configuration takes and normalised as it says, after the views are
    drawn.

    Args:
        in_channels: Unused: it reads pixels.
        model: timm's name, with its tag if it has one.
        pretrained: Whether it starts from the hub's weights.
        augmentation: Numbers of ``Augmentation`` that differ from its defaults.

    Shape: raw ``[n, H, W, 3]`` uint8 -> ``[n, out_channels]``.
    Raises: MissingExtraError: without timm. UnknownPartError: if timm has no such model. WeightsError: if
        weights cannot be fetched.
    Differs: HNM-WSI (Huang et al. 2024) trains a ResNet-18 with instance normalisation.
    """

    reads: ClassVar[Literal["features", "pixels"]] = "pixels"
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        in_channels: int = 3,
        *,
        model: str,
        pretrained: bool = True,
        augmentation: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        timm = import_timm()
        check_model(timm, model)
        self.augmentation = make_augmentation(augmentation)
        try:
            self.network = timm.create_model(model, pretrained=pretrained, num_classes=0)
        except Exception as error:  # every hub client and version has errors of its own
            got = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0].rstrip('.')}"
            raise WeightsError(
                expected(f"timm:{model}", "pretrained weights from the hub", got, todo="Check the network.")
            ) from error
        self.out_channels = int(self.network.num_features)
        config = timm.data.resolve_model_data_config(self.network)
        self.size = tuple(config["input_size"][1:])
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(config[name]).view(1, 3, 1, 1), persistent=False)

    def plain(self, raw: Tensor) -> Tensor:
        """Pixels in 0..1."""
        return unit_images(raw)

    def two_views(self, raw: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Two augmented views."""
        return self.augmentation.two_views(unit_images(raw), generator)

    def forward(self, patches: Tensor) -> Tensor:
        """Features of images, resized and normalised as the model takes them."""
        if patches.shape[2:] != self.size:
            patches = torch.nn.functional.interpolate(
                patches, self.size, mode="bilinear", antialias=True, align_corners=False
            )
        return self.network((patches - self.mean) / self.std)
