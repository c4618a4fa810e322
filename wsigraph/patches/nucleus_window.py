"""48 colour and texture statistics of the window around a nucleus, chosen before any label was looked at."""

from __future__ import annotations

import numpy as np

from wsigraph.patches.stains import separate_stains
from wsigraph.patches.texture import edges, halve, masked_moments, mean, moments, pattern_histogram, quantiles

WINDOW_PX = 27
"""Side of the window: 15 um at 0.55 um/px, a nucleus and what touches it."""

CORE_PX = 6.0
"""Radius of the disc that stands for the nucleus itself: 3.3 um."""

TOLERANCE = 0.02
"""Optical density below which two pixels count as equal in the patterns: two grey levels of noise."""

SHARES = (0.1, 0.5, 0.9)
STATISTICS = ("mean", "std", "q10", "q50", "q90")
COLUMNS = (
    *(f"{plane}_{s}" for plane in ("red", "green", "blue", "haematoxylin", "eosin") for s in STATISTICS),
    *("residual_mean", "residual_std", "stain_correlation"),
    *("core_haematoxylin_mean", "core_haematoxylin_std", "core_eosin_mean"),
    *("contrast_haematoxylin", "contrast_eosin"),
    *("edges_strength", "edges_straight", "edges_parallel", "edges_2px_strength", "eosin_edges_strength"),
    *(f"pattern_{k}" for k in range(10)),
)
"""What each column is.

``<plane>_<statistic>``: brightness (0..1) or amount of stain (optical density) over the window;
``residual_*``: what neither stain explains; ``stain_correlation``: of haematoxylin and eosin;
``core_*``: inside the central disc; ``contrast_*``: the disc less the rest of the window;
``edges_*``: gradient of haematoxylin, how straight and how parallel its edges run, also at half resolution;
``pattern_*``: shares of the rotation-invariant local binary patterns of haematoxylin.
"""


def windows(image: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Windows of a picture, mirrored at its border.

    Args:
        image: ``[height, width, 3]`` uint8.
        corners: ``[N, 2]`` int, top-left corners (x, y); may lie outside.

    Shape: ``[N, 27, 27, 3]`` uint8.
    """
    padded = np.pad(image, ((WINDOW_PX, WINDOW_PX), (WINDOW_PX, WINDOW_PX), (0, 0)), mode="reflect")
    seen = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW_PX, WINDOW_PX), axis=(0, 1))
    rows, columns = corners[:, 1] + WINDOW_PX, corners[:, 0] + WINDOW_PX
    return np.ascontiguousarray(seen[rows, columns].transpose(0, 2, 3, 1))


def statistics(patches: np.ndarray) -> np.ndarray:
    """One row of ``COLUMNS`` per window.

    Args:
        patches: ``[N, 27, 27, 3]`` uint8.

    Shape: ``[N, 48]`` float32.
    Source: stains, Ruifrok and Johnston 2001; patterns, Ojala et al. 2002 (``wsigraph.patches``).
    """
    planes = np.ascontiguousarray(patches.transpose(3, 0, 1, 2))
    stains = separate_stains(planes)
    bright = planes.astype(np.float32) / np.float32(255)
    columns: list[np.ndarray] = []
    for plane in (*bright, stains.haematoxylin, stains.eosin):
        columns += [*moments(plane)[:2], *quantiles(plane, SHARES)]
    columns += [*moments(stains.residual)[:2], _correlation(stains.haematoxylin, stains.eosin)]
    core = np.broadcast_to(_disc(), stains.eosin.shape)
    inside, spread = masked_moments(stains.haematoxylin, core)
    eosin, _ = masked_moments(stains.eosin, core)
    outside = [masked_moments(plane, ~core)[0] for plane in (stains.haematoxylin, stains.eosin)]
    columns += [inside, spread, eosin, inside - outside[0], eosin - outside[1]]
    columns += [*edges(stains.haematoxylin, 5), edges(halve(stains.haematoxylin), 3)[0]]
    columns += [edges(stains.eosin, 5)[0], *pattern_histogram(stains.haematoxylin, TOLERANCE).T]
    return np.stack(columns, axis=1).astype(np.float32)


def _disc() -> np.ndarray:
    away = np.arange(WINDOW_PX) - WINDOW_PX // 2
    return np.hypot(away[:, None], away[None, :]) <= CORE_PX


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    (mean_a, std_a, _), (mean_b, std_b, _) = moments(a), moments(b)
    # 1e-3: two almost constant planes have no correlation, not that of noise
    return (mean(a * b) - mean_a * mean_b) / (std_a * std_b + np.float32(1e-3))
