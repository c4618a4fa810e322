"""ResNet-18 with instance normalisation: a patch encoder that can be trained, without torchvision."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from wsigraph.errors import FeatureError, RecipeError, expected

DEPTHS = (2, 2, 2, 2)
"""Blocks per stage of ResNet-18."""


class ResNet(nn.Module):
    r"""Residual network of basic blocks; every image is normalised by itself alone.

    .. math::  y = \mathrm{ReLU}\bigl(N(W_2 * \mathrm{ReLU}(N(W_1 * x))) + S(x)\bigr), \quad
        N(x)_c = \frac{x_c - \mathrm{mean}\, x_c}{\sqrt{\mathrm{var}\, x_c + \epsilon}}

    Stage n has ``width * 2^n`` channels and halves the picture but for the first; S is the identity, or a
    1 x 1 convolution and N where size or width changes. Features are the means of the last stage. As N reads
    one image at a time, an image's features depend neither on its batch nor on the mode, and stain or
    brightness that scales all of an image's values by one number changes nothing.

    Args:
        stem: ``"wide"``: 7 x 7 convolution and max pooling, each by stride 2, for patches of 100 px and more;
            ``"small"``: 3 x 3 convolution by stride 1, for patches around a nucleus.
        width: Channels of the first stage.
        depths: Blocks per stage.

    Shape: images ``[B, 3, H, W]`` float -> ``[B, out_channels]``, out_channels = 512 for ResNet-18. Sides of
        at least 33 px with the wide stem and 9 px with the small one: the last stage must hold more than one
        pixel, or its normalisation leaves nothing.
    Raises: RecipeError: on another stem. FeatureError: on other shapes, or too small an image.
    Source: ResNet-18, He et al. 2016; instance normalisation without weights, Ulyanov et al. 2016, as HNM-WSI
        (Huang et al. 2024) uses it. Differs: the small stem is ours, as is its size.
    """

    def __init__(
        self,
        *,
        stem: Literal["wide", "small"] = "wide",
        width: int = 64,
        depths: tuple[int, ...] = DEPTHS,
    ) -> None:
        super().__init__()
        if stem not in ("wide", "small"):
            raise RecipeError(expected("ResNet", "a stem 'wide' or 'small'", f"'{stem}'"))
        if stem == "wide":
            first = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            self.stem = nn.Sequential(first, _norm(width), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        else:
            self.stem = nn.Sequential(_conv(3, width, 1), _norm(width), nn.ReLU())
        blocks: list[nn.Module] = []
        for stage, depth in enumerate(depths):
            channels = width * 2**stage
            for place in range(depth):
                halves = stage > 0 and place == 0
                blocks.append(BasicBlock(channels // 2 if halves else channels, channels))
        self.blocks = nn.Sequential(*blocks)
        self.out_channels = width * 2 ** (len(depths) - 1)
        self.smallest_px = 2 ** (len(depths) - 1) * (4 if stem == "wide" else 1) + 1
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Features of a batch of images."""
        if images.ndim != 4 or images.shape[1] != 3:
            raise FeatureError(expected("ResNet", "images [B, 3, H, W]", f"{list(images.shape)}"))
        if min(images.shape[2:]) < self.smallest_px:
            got = f"{images.shape[3]} x {images.shape[2]} px"
            todo = "Take larger patches, or the stem 'small'."
            raise FeatureError(expected("ResNet", f"sides of at least {self.smallest_px} px", got, todo=todo))
        return self.blocks(self.stem(images)).mean(dim=(2, 3))  # [B, out_channels]


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; more channels than it gets means half the size.

    Args:
        in_channels: Channels it gets.
        out_channels: Channels it gives.

    Shape: ``[B, in_channels, H, W]`` -> ``[B, out_channels, H, W]``, or half of H and W, rounded up.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        stride = 1 if in_channels == out_channels else 2
        self.first, self.first_norm = _conv(in_channels, out_channels, stride), _norm(out_channels)
        self.second, self.second_norm = _conv(out_channels, out_channels, 1), _norm(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1:
            project = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(project, _norm(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """One residual step."""
        inner = self.first_norm(self.first(x)).relu()
        return (self.second_norm(self.second(inner)) + self.shortcut(x)).relu()


def resnet18(*, stem: Literal["wide", "small"] = "wide") -> ResNet:
    """ResNet-18: 512 features, 11.2 million weights."""
    return ResNet(stem=stem)


def unit_images(images: Tensor) -> Tensor:
    """Pixels as a network takes them.

    Shape: ``[B, H, W, 3]`` uint8 -> ``[B, 3, H, W]`` float32 in 0..1.
    Raises: FeatureError: on another type or shape.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != torch.uint8:
        got = f"{images.dtype} of shape {list(images.shape)}"
        raise FeatureError(expected("Patches", "uint8 images of shape [B, H, W, 3]", got))
    return images.permute(0, 3, 1, 2).float().contiguous() / 255.0  # norms are slow on strided images


def _conv(in_channels: int, out_channels: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)


def _norm(channels: int) -> nn.GroupNorm:
    """Instance normalisation: one group per channel is the same, and several times as quick on a CPU."""
    return nn.GroupNorm(channels, channels, affine=False)
