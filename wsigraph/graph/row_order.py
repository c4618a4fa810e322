"""One order of a slide's rows for every order in its file."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures

CHANNELS = 8
"""Channels that decide among patches on one position."""


def row_order(features: PatchFeatures) -> np.ndarray:
    """Rows from top to bottom, then left to right, then by their first channels.

    Shape: ``[N]`` int64; equal rows keep the order of the file.
    """
    x = features.x.T[:CHANNELS][::-1]
    if not features.has_coords:
        return np.lexsort(tuple(x)) if len(features) else np.empty(0, dtype=np.int64)
    return np.lexsort((*x, features.coords[:, 0], features.coords[:, 1]))


def slide_draws(seed: int, slide_id: str) -> np.random.Generator:
    """Random numbers of one slide, which depend on (seed, slide) alone.

    Args:
        seed: Not negative.
        slide_id: Name of the slide.
    """
    return np.random.default_rng([seed, *slide_id.encode()])
