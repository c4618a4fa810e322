"""Stain deconvolution: how much haematoxylin and how much eosin each pixel holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

HAEMATOXYLIN = (0.65, 0.70, 0.29)
"""Optical density of pure haematoxylin in red, green, blue."""

EOSIN = (0.07, 0.99, 0.11)
"""Optical density of pure eosin in red, green, blue."""


@dataclass(frozen=True)
class Stains:
    """Planes of a batch of patches.

    Args:
        haematoxylin: ``[B, H, W]`` amount of haematoxylin.
        eosin: ``[B, H, W]`` amount of eosin.
        residual: ``[B, H, W]`` what neither explains: ink, pigment, colour fringes.

    Units: optical density (decadic) along each stain's unit vector, 0 for unstained glass.
    """

    haematoxylin: np.ndarray
    eosin: np.ndarray
    residual: np.ndarray


def unmixing_matrix() -> np.ndarray:
    """``[3, 3]``: optical densities (rows r, g, b) to stain amounts (columns haematoxylin, eosin, residual).

    Source: Ruifrok and Johnston 2001. Differs: the third stain is the unit vector at right angles to the
    other two, not DAB, as H&E slides hold none.
    """
    haematoxylin, eosin = np.array(HAEMATOXYLIN), np.array(EOSIN)
    third = np.cross(haematoxylin, eosin)
    rows = np.stack([v / np.linalg.norm(v) for v in (haematoxylin, eosin, third)])
    return np.linalg.inv(rows)


def separate_stains(planes: np.ndarray) -> Stains:
    """Unmix a batch of patches.

    Args:
        planes: ``[3, B, H, W]`` uint8 red, green, blue.
    """
    # A pixel has 256 values per channel: one table instead of a logarithm per pixel.
    table = -np.log10((np.arange(256) + 1.0) / 256.0).astype(np.float32)
    red, green, blue = np.take(table, planes)
    matrix = unmixing_matrix().astype(np.float32)
    return Stains(*(red * m[0] + green * m[1] + blue * m[2] for m in matrix.T))
