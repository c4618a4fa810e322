"""A low-resolution picture that knows which part of the slide it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.data.box import Box


@dataclass(frozen=True)
class Overview:
    """A small picture of the scanned area.

    Args:
        image: ``[H, W, 3]`` uint8 RGB.
        box: What it shows, in level-0 pixels.

    Units: level-0 pixels.
    """

    image: np.ndarray
    box: Box

    @property
    def downsample(self) -> float:
        """Level-0 pixels per pixel of the picture."""
        return self.box.width / self.image.shape[1]
