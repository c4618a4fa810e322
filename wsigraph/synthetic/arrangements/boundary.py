"""Two halves with a straight border against two halves with fingers."""

from __future__ import annotations

import numpy as np

from wsigraph.synthetic.arrangement import lowest
from wsigraph.synthetic.dial import Arrangement

DEPTH = 3.0
"""Reach of a finger to each side, in cells."""
PERIOD = 4.0
"""Distance from one finger to the next, in cells."""


class Boundary(Arrangement, name="boundary"):
    """Half the cells are of kind 1, half of kind 2, on two sides of a border; only its length differs."""

    classes = ("straight", "fingers")

    def kinds(self, rng: np.random.Generator, allowed: np.ndarray, *, label: int) -> np.ndarray:
        """Halves by the distance from a line, or from a wave around it."""
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        rows, columns = np.mgrid[: allowed.shape[0], : allowed.shape[1]]
        across = np.cos(angle) * rows + np.sin(angle) * columns
        along = np.cos(angle) * columns - np.sin(angle) * rows
        height = across + label * DEPTH * np.sin(2 * np.pi * along / PERIOD + phase)
        first = lowest(height, allowed, count=int(allowed.sum()) // 2)
        return first + 2 * (allowed & ~first)
