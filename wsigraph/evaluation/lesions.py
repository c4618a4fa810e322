"""The lesions of a slide as CAMELYON16 counts them: near annotations are one, the smallest do not count."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label, regionprops

from wsigraph.errors import MppError, expected
from wsigraph.evaluation.outlines import Outlines

JOIN_UM = 75.0
"""Annotations closer than this are one lesion: each grows by half of it."""

ISOLATED_UM = 200.0
"""Lesions with a shorter major axis are isolated tumour cells."""

MPP = 0.243
"""Microns per level-0 pixel, as the challenge has it for all its slides."""

DOWNSAMPLE = 32
"""Level-0 pixels per pixel of the mask: level 5 of the challenge's slides."""


@dataclass(frozen=True)
class Lesions:
    """Lesions of one slide on a coarse lattice.

    Args:
        labels: ``[H, W]`` int32, the lesion at each pixel, 0 where there is none.
        isolated: ``[K]`` bool, whether lesion k + 1 is isolated tumour cells: neither to be found nor wrong
            to find.
        x: Left edge of the lattice.
        y: Its upper edge.
        downsample: Side of a pixel.

    Units: level-0 pixels for x, y and downsample.
    """

    labels: np.ndarray
    isolated: np.ndarray
    x: float = 0.0
    y: float = 0.0
    downsample: float = DOWNSAMPLE

    @property
    def counted(self) -> int:
        """Lesions that are to be found."""
        return int((~self.isolated).sum())

    def at(self, points: np.ndarray) -> np.ndarray:
        """The lesion at each point, 0 where there is none.

        Shape: points ``[N, 2]`` (x, y) in level-0 pixels -> ``[N]`` int64.
        """
        column, row = np.floor((points - np.array([self.x, self.y])) / self.downsample).astype(np.int64).T
        height, width = self.labels.shape
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        found = np.zeros(len(points), np.int64)
        found[inside] = self.labels[row[inside], column[inside]]
        return found


def lesions_of_mask(
    mask: np.ndarray, *, mpp: float = MPP, downsample: float = DOWNSAMPLE, x: float = 0.0, y: float = 0.0
) -> Lesions:
    """Lesions of a tumour mask.

    Pixels less than 37.5 um away from the mask are added, holes are filled, and what then touches, also by a
    corner, is one lesion. A lesion is isolated tumour cells if the major axis of the ellipse with its second
    moments is under 275 um: 200 um and the 75 um by which it has grown.

    Args:
        mask: ``[H, W]`` bool, True where tumour was annotated.
        mpp: Microns per level-0 pixel.
        downsample: Side of a mask pixel.
        x: Left edge of the mask.
        y: Upper edge of the mask.

    Units: level-0 pixels for downsample, x and y.
    Raises: MppError: if mpp is not a positive number.
    Source: CAMELYON16 (Ehteshami Bejnordi et al. 2017), the challenge's evaluation.
    """
    if not 0 < mpp < math.inf:
        raise MppError(expected("Lesions", "microns per pixel above 0", f"{mpp}"))
    if not mask.any():
        return Lesions(np.zeros(mask.shape, np.int32), np.zeros(0, bool), x, y, downsample)
    um = mpp * downsample
    grown = ndimage.distance_transform_edt(~mask) < JOIN_UM / (2 * um)
    labels = label(ndimage.binary_fill_holes(grown), connectivity=2).astype(np.int32)
    axes = np.array([region.axis_major_length for region in regionprops(labels)])
    return Lesions(labels, axes < (ISOLATED_UM + JOIN_UM) / um, x, y, downsample)


def lesions_of(outlines: Outlines, *, mpp: float = MPP, downsample: int = DOWNSAMPLE) -> Lesions:
    """Lesions of a slide's outlines, on the lattice of the challenge's mask, cut to where they are.

    Args:
        outlines: Tumour; holes are healthy tissue.
        mpp: Microns per level-0 pixel.
        downsample: Side of a mask pixel.

    Units: level-0 pixels.
    Raises: MppError: if mpp is not a positive number.
    Source: as :func:`lesions_of_mask`. Differs: the challenge reads level 5 of its masks, which were drawn at
        level 0 and reduced; here a pixel is tumour if its centre is.
    """
    if not len(outlines.vertices):
        return lesions_of_mask(np.zeros((1, 1), bool), mpp=mpp, downsample=downsample)
    margin = math.ceil(JOIN_UM / (2 * mpp * downsample)) + 1 if mpp > 0 else 0
    box = outlines.box
    left, top = (math.floor(v / downsample) - margin for v in (box.x, box.y))
    right, bottom = (math.floor(v / downsample) + 1 + margin for v in (box.right, box.bottom))
    rows, columns = np.arange(top, bottom) + 0.5, np.arange(left, right) + 0.5
    centres = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2) * downsample
    mask = outlines.contain(centres).reshape(len(rows), len(columns))
    return lesions_of_mask(mask, mpp=mpp, downsample=downsample, x=left * downsample, y=top * downsample)
