"""Nuclei of a batch of patches: where haematoxylin gathers in blobs, and what the blobs look like."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from wsigraph.patches.texture import box, masked_moments, mean, quantiles

BORDER_RANGE = (0.15, 0.60)
"""Optical density of haematoxylin between which the border of a nucleus is sought: pale to dark staining."""

PROMINENCE = 0.02
"""Optical density by which a peak must stand out from its surroundings: less is sensor noise."""

PEAK_WINDOW = 5
"""Pixels, at half resolution: centres of two nuclei lie farther apart than half of it."""


def nuclear_mask(haematoxylin: np.ndarray) -> np.ndarray:
    """Pixels inside nuclei: darker than the middle between a patch's pale and dark haematoxylin.

    The middle follows the staining of the slide, within :data:`BORDER_RANGE`, so that a patch without
    nuclei, or of nothing but nuclei, is not cut in half.

    Args:
        haematoxylin: ``[B, H, W]``, smoothed.
    """
    pale, dark = quantiles(haematoxylin, (0.1, 0.99))
    border = np.clip((pale + dark) / 2, *BORDER_RANGE)
    return haematoxylin > border[:, None, None]


def blob_shapes(mask: np.ndarray) -> dict[str, np.ndarray]:
    """Count, size and form of connected blobs; the averages weigh each blob by its area.

    Args:
        mask: ``[B, H, W]`` bool.

    Returns: ``blob_count`` per 1,000 pixels; ``blob_size`` and ``blob_size_std``, the square root of the
        area in pixels; ``blob_elongation``, 1 - minor / major axis; ``blob_raggedness``, the share by which
        the ellipse of the same second moments exceeds the blob: 0 for an oval, more for clumps.
    """
    in_plane = np.zeros((3, 3, 3), bool)
    in_plane[1] = ndimage.generate_binary_structure(2, 1)
    labels, count = ndimage.label(mask, in_plane)
    patch, y, x = np.nonzero(mask)
    blob = labels[patch, y, x] - 1
    batch = len(mask)
    area = np.bincount(blob, minlength=count).astype(float)
    owner = np.zeros(count, np.intp)
    owner[blob] = patch

    weight = np.maximum(np.bincount(owner, area, minlength=batch), 1.0)

    def average(values: np.ndarray) -> np.ndarray:
        return np.bincount(owner, values * area, minlength=batch) / weight

    minor, major = _axes(blob, x.astype(float), y.astype(float), area)
    size = np.sqrt(area)
    mean_size = average(size)
    spread = np.sqrt(np.maximum(average(size**2) - mean_size**2, 0))
    return {
        "blob_count": np.bincount(owner, minlength=batch) / mask[0].size * 1000,
        "blob_size": mean_size,
        "blob_size_std": spread,
        "blob_elongation": average(1 - minor / major),
        # A filled ellipse has area 4 pi times the product of its standard deviations.
        "blob_raggedness": average(np.clip(1 - area / (4 * np.pi * minor * major), 0, 1)),
    }


def _axes(blob: np.ndarray, x: np.ndarray, y: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations of each blob's pixels along its minor and major axis."""

    def average(values: np.ndarray) -> np.ndarray:
        return np.bincount(blob, values, minlength=len(area)) / area

    centre_x, centre_y = average(x), average(y)
    dx, dy = x - centre_x[blob], y - centre_y[blob]
    # 1/12 is the second moment of one square pixel, so that a blob of one pixel has an extent.
    xx, yy, xy = average(dx * dx) + 1 / 12, average(dy * dy) + 1 / 12, average(dx * dy)
    half_gap = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    middle = (xx + yy) / 2
    return np.sqrt(np.maximum(middle - half_gap, 1 / 12)), np.sqrt(middle + half_gap)


def _core(mask: np.ndarray) -> np.ndarray:
    """Pixels whose four neighbours are inside too; beyond the patch counts as inside."""
    core = mask.copy()
    core[:, 1:] &= mask[:, :-1]
    core[:, :-1] &= mask[:, 1:]
    core[:, :, 1:] &= mask[:, :, :-1]
    core[:, :, :-1] &= mask[:, :, 1:]
    return core


def _peaks(haematoxylin: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Centres of nuclei, ``[B, H, W]``: 1 at a peak of smoothed haematoxylin; pixels that tie share the 1."""
    smooth = box(box(haematoxylin, 3), 5)
    highest = ndimage.maximum_filter(smooth, PEAK_WINDOW, axes=(1, 2))
    peaks = mask & (smooth >= highest - np.float32(1e-4))
    peaks &= smooth > box(haematoxylin, 11) + np.float32(PROMINENCE)
    share = peaks.astype(np.float32)
    rivals = box(share, PEAK_WINDOW) * PEAK_WINDOW**2
    return share / np.maximum(rivals, 1)


def nuclear_statistics(
    haematoxylin: np.ndarray, eosin: np.ndarray, edge: np.ndarray
) -> dict[str, np.ndarray]:
    """How many nuclei a patch holds and how they stain.

    Args:
        haematoxylin: ``[B, H, W]`` at about 1 um per pixel.
        eosin: ``[B, H, W]``.
        edge: ``[B, H, W]`` strength of the gradient of haematoxylin.

    Returns: the values that :class:`~wsigraph.patches.encoders.stain_texture.StainTexture` documents.
    """
    smooth = box(haematoxylin, 3)
    mask = nuclear_mask(smooth)
    border = mask & ~_core(mask)
    inside, chromatin = masked_moments(haematoxylin, mask)
    outside, _ = masked_moments(haematoxylin, ~mask)
    return {
        "nuclear_share": mean(mask.astype(np.float32)),
        "nuclear_peaks": mean(_peaks(haematoxylin, mask)) * 100,
        "nuclear_border": mean(border.astype(np.float32)),
        "nuclear_haematoxylin": inside,
        "nuclear_chromatin": chromatin,
        "nuclear_contrast": inside - outside,
        "nuclear_eosin": masked_moments(eosin, mask)[0],
        "nuclear_sharpness": masked_moments(edge, border)[0],
        "cytoplasm_eosin": masked_moments(eosin, ~mask)[0],
        **blob_shapes(mask),
    }
