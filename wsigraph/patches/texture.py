"""Texture of a batch of planes ``[B, H, W]``: one value per patch, whatever the patch's size."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

SMALL = 1e-5
"""Gradient energy below which a patch counts as flat: less than one grey level of noise."""


def halve(planes: np.ndarray) -> np.ndarray:
    """Means of 2x2 blocks ``[..., H // 2, W // 2]``; an odd last row or column is dropped."""
    height, width = planes.shape[-2] // 2 * 2, planes.shape[-1] // 2 * 2
    even = planes[..., :height, :width]
    rows = even[..., ::2, :] + even[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25)


def box(planes: np.ndarray, size: int) -> np.ndarray:
    """Mean over a ``size`` x ``size`` window; a patch is mirrored at its edges and sees no other patch."""
    return ndimage.uniform_filter(planes, size, axes=(1, 2), mode="reflect")


def mean(planes: np.ndarray) -> np.ndarray:
    """Mean of each patch ``[B]``."""
    return planes.reshape(len(planes), -1).mean(axis=1)


def moments(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, standard deviation and skew of each patch.

    The skew is damped where a patch is almost constant, so that one grey level of noise has no shape.
    """
    flat = planes.reshape(len(planes), -1)
    centre = flat.mean(axis=1)
    rest = flat - centre[:, None]
    square = rest * rest
    std = np.sqrt(square.mean(axis=1))
    skew = (square * rest).mean(axis=1) / (std + np.float32(0.01)) ** 3
    return centre, std, skew


def masked_moments(planes: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each patch's pixels inside ``mask``, 0 where it is empty."""
    flat, kept = planes.reshape(len(planes), -1), mask.reshape(len(mask), -1)
    count = np.maximum(kept.sum(axis=1), 1)
    centre = (flat * kept).sum(axis=1) / count
    rest = (flat - centre[:, None].astype(np.float32)) * kept
    return centre, np.sqrt((rest * rest).sum(axis=1) / count)


def quantiles(planes: np.ndarray, shares: tuple[float, ...]) -> list[np.ndarray]:
    """Values below which the given shares of each patch's pixels lie (nearest rank)."""
    flat = np.sort(planes.reshape(len(planes), -1), axis=1)
    return [flat[:, round(share * (flat.shape[1] - 1))] for share in shares]


def gradients(planes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Central differences along x and along y, ``[B, H, W]`` each, 0 on the outermost pixels."""
    along_x, along_y = np.zeros_like(planes), np.zeros_like(planes)
    along_x[:, 1:-1, 1:-1] = (planes[:, 1:-1, 2:] - planes[:, 1:-1, :-2]) * np.float32(0.5)
    along_y[:, 1:-1, 1:-1] = (planes[:, 2:, 1:-1] - planes[:, :-2, 1:-1]) * np.float32(0.5)
    return along_x, along_y


def edges(planes: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How strong edges are, how straight they run, and how far the whole patch shares one direction.

    Args:
        planes: ``[B, H, W]``.
        window: Side in pixels of the neighbourhood in which an edge is straight or not.

    Returns: root mean square of the gradient; coherence of the structure tensor in ``window``, weighed by
        gradient energy (1 along smooth borders and fibres, towards 0 in coarse chromatin); the same over
        the whole patch (1 where all fibres are parallel).
    Source: Bigun and Granlund 1987, structure tensor.
    """
    along_x, along_y = (g[:, 1:-1, 1:-1] for g in gradients(planes))
    xx, yy = along_x * along_x, along_y * along_y
    energy = mean(xx + yy)
    difference, cross = xx - yy, 2 * along_x * along_y
    straight = mean(np.hypot(box(difference, window), box(cross, window)))
    parallel = np.hypot(mean(difference), mean(cross))
    return np.sqrt(energy), straight / (energy + SMALL), parallel / (energy + SMALL)


def uniform_pattern_classes() -> np.ndarray:
    """``[256]``: class 0..9 of each local binary pattern of 8 neighbours in a ring."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = np.abs(bits - np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.uint8)


def pattern_histogram(planes: np.ndarray, tolerance: float) -> np.ndarray:
    """Shares ``[B, 10]`` of the rotation-invariant uniform local binary patterns.

    Class k in 0..8: k of the 8 neighbours, all in a row, exceed the centre by more than ``tolerance``
    (0 in flat areas and on dark peaks, 4 on straight edges, 8 in pits); class 9: any other pattern.

    Source: Ojala, Pietikainen and Maenpaa 2002, riu2 with P = 8, R = 1. Differs: a square ring, so nothing
    is interpolated, and a tolerance, so that sensor noise on glass is no texture.
    """
    height, width = planes.shape[1:]
    centre = planes[:, 1:-1, 1:-1] + np.float32(tolerance)
    code = np.zeros(centre.shape, np.uint8)
    for bit, (y, x) in enumerate(((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))):
        neighbour = planes[:, y : y + height - 2, x : x + width - 2]
        code |= (neighbour > centre).view(np.uint8) << np.uint8(bit)
    classes = np.take(uniform_pattern_classes(), code).reshape(len(planes), -1)
    own = classes + np.arange(len(planes))[:, None] * 10
    counts = np.bincount(own.ravel(), minlength=10 * len(planes)).reshape(-1, 10)
    return counts / classes.shape[1]
