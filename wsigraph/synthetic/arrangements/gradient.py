"""An even mixture against one that changes from side to side."""

from __future__ import annotations

import numpy as np

from wsigraph.synthetic.arrangement import lowest
from wsigraph.synthetic.dial import Arrangement


class Gradient(Arrangement, name="gradient"):
    """Half the cells are of kind 1, anywhere, or the more likely the farther to one side."""

    classes = ("even", "graded")

    def kinds(self, rng: np.random.Generator, allowed: np.ndarray, *, label: int) -> np.ndarray:
        """Kind 1 with a chance that rises from 0 to 1 across the tissue, or of one half everywhere."""
        angle = rng.uniform(0, 2 * np.pi)
        rows, columns = np.mgrid[: allowed.shape[0], : allowed.shape[1]]
        across = np.cos(angle) * rows + np.sin(angle) * columns
        rank = np.empty(allowed.shape)
        rank[allowed] = np.argsort(np.argsort(across[allowed])) / allowed.sum()
        height = rng.uniform(size=allowed.shape) - (rank if label else 0.0)
        first = lowest(height, allowed, count=int(allowed.sum()) // 2)
        return first + 2 * (allowed & ~first)
