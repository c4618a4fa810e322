"""What a pretrained network wants to be shown: resize, centre crop and normalise a batch of patches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wsigraph.errors import RecipeError, expected

if TYPE_CHECKING:
    import torch

INTERPOLATIONS = ("bilinear", "bicubic")
CROP_MODES = ("center", "squash", "border")


@dataclass(frozen=True)
class Preprocess:
    """A network's own preprocessing, on batches and on the network's device.

    Args:
        height, width: What the network takes, in pixels.
        crop_pct: Share of the resized patch that the centre crop keeps along each side.
        crop_mode: How a patch of another shape is fitted: ``"center"`` crops it, ``"squash"`` distorts it,
            ``"border"`` pads it. A square patch in a square network is the same in all three.
        interpolation: ``"bilinear"`` or ``"bicubic"``, both with antialiasing.
        mean, std: Of the training images, channel by channel, for values in 0..1.

    Raises: RecipeError: on another interpolation or crop mode.
    Source: the evaluation transform of timm, which takes one PIL image at a time. Differs: floating point
        where PIL has fixed point, so a value in a thousand is one grey level off.
    """

    height: int
    width: int
    crop_pct: float
    crop_mode: str
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for what, value, choices in (
            ("interpolation", self.interpolation, INTERPOLATIONS),
            ("crop mode", self.crop_mode, CROP_MODES),
        ):
            if value not in choices:
                raise RecipeError(expected("Patch encoder", f"{what} among {list(choices)}", f"'{value}'"))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Preprocess:
        """From what ``timm.data.resolve_model_data_config`` returns."""
        _, height, width = config["input_size"]
        return cls(
            height=height,
            width=width,
            crop_pct=config["crop_pct"],
            crop_mode=config["crop_mode"],
            interpolation=config["interpolation"],
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Show the network what it wants.

        Shape: images ``[B, H, W, 3]`` uint8 -> ``[B, 3, height, width]`` float32.
        """
        import torch

        x = images.permute(0, 3, 1, 2).float()
        size = self._resized(images.shape[1], images.shape[2])
        # One axis at a time with whole grey levels between, columns first, as PIL does it.
        for step in ((x.shape[2], size[1]), size):
            if step != tuple(x.shape[2:]):
                x = torch.nn.functional.interpolate(
                    x, step, mode=self.interpolation, antialias=True, align_corners=False
                )
                x = (x.clamp(0, 255) + 0.5).floor()  # PIL rounds halves up
        mean, std = (x.new_tensor(v).view(1, 3, 1, 1) * 255 for v in (self.mean, self.std))
        # "border" pads with the mean colour, the others with black; a network that crops needs neither.
        fill = mean.round() if self.crop_mode == "border" else torch.zeros_like(mean)
        return (_crop_or_pad(x, self.height, self.width, fill) - mean) / std

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """Height and width between resize and crop."""
        target_height, target_width = (math.floor(side / self.crop_pct) for side in (self.height, self.width))
        if self.crop_mode == "squash":
            return target_height, target_width
        ratios = (height / target_height, width / target_width)
        if self.crop_mode == "border":
            return round(height / max(ratios)), round(width / max(ratios))
        ratio = min(ratios)
        if target_height == target_width:  # the long side is cut off, not rounded, in this case alone
            short = min(height, width)
            return height * target_height // short, width * target_width // short
        return round(height / ratio), round(width / ratio)


def _crop_or_pad(x: torch.Tensor, height: int, width: int, fill: torch.Tensor) -> torch.Tensor:
    """The central ``height`` x ``width`` of ``x``, with ``fill`` around where ``x`` is smaller."""
    have_height, have_width = x.shape[2:]
    if have_height < height or have_width < width:
        canvas = fill.expand(len(x), 3, max(height, have_height), max(width, have_width)).clone()
        top, left = max(height - have_height, 0) // 2, max(width - have_width, 0) // 2
        canvas[:, :, top : top + have_height, left : left + have_width] = x
        x = canvas
    top, left = round((x.shape[2] - height) / 2), round((x.shape[3] - width) / 2)
    return x[:, :, top : top + height, left : left + width]
