"""What a patch encoder is: RGB patches in, one row of features per patch out."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from wsigraph.errors import FeatureError, RecipeError, expected
from wsigraph.registry import Part


class PatchEncoder(Part, ABC, family="patch encoder", package="wsigraph.patches.encoders"):
    """Turns patches into rows.

    Attributes:
        out_channels: Columns of the result.
        columns: Their names, where they mean something one by one; else empty.
    """

    out_channels: int
    columns: tuple[str, ...] = ()

    @abstractmethod
    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encode a batch.

        Args:
            images: ``[B, H, W, 3]`` uint8 RGB.

        Returns: ``[B, out_channels]`` float32 (files store float16).
        """

    @property
    def full_name(self) -> str:
        """Name with arguments that change the numbers, as feature files record it."""
        return self.name


def patch_encoder(spec: str, **options: Any) -> PatchEncoder:
    """The patch encoder that ``spec`` names.

    Args:
        spec: ``"stain_texture"``, or ``"timm:<model>"``: the part, a colon, its ``model``.
        options: Arguments of the part, for instance ``weights="uni.safetensors"`` or ``device="cuda"``.

    Raises: UnknownPartError: if no such part is registered; the message lists the choices.
        RecipeError: on options the part does not take.
        MissingExtraError: if the part needs timm, which is not installed.
    """
    name, colon, model = spec.partition(":")
    part = PatchEncoder.registry.get(name)
    if colon:
        options["model"] = model
    PatchEncoder.registry.check(name, options)
    if not model and "model" in inspect.signature(part).parameters and "model" not in options:
        raise RecipeError(
            expected(
                f"Patch encoder '{spec}'",
                f"'{name}:<model>'",
                "no model",
                todo=f"For instance '{name}:resnet18'.",
            )
        )
    encoder: PatchEncoder = part(**options)
    return encoder


def check_images(images: np.ndarray, *, where: str, smallest_px: int = 1) -> None:
    """Refuse what is not a batch of RGB patches.

    Raises: FeatureError: on another shape or type, or a side under ``smallest_px``.
    """
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        got = f"{images.dtype} of shape {list(images.shape)}"
        raise FeatureError(expected(where, "uint8 images of shape [B, H, W, 3]", got))
    if min(images.shape[1:3]) < smallest_px:
        height, width = images.shape[1:3]
        raise FeatureError(
            expected(
                where,
                f"patches of at least {smallest_px} x {smallest_px} px",
                f"{width} x {height} px",
                todo="Ask for larger patches with --patch-px.",
            )
        )
