"""What a patch encoder is: RGB patches in, one row of features per patch out."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

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
