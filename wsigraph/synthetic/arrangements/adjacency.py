"""Two tissue types that touch against two that do not."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from wsigraph.synthetic.arrangement import grow
from wsigraph.synthetic.dial import Arrangement


class Adjacency(Arrangement, name="adjacency"):
    """A region of each kind, an eighth of the cells each, at least two cells apart or side by side."""

    classes = ("apart", "touching")

    def kinds(self, rng: np.random.Generator, allowed: np.ndarray, *, label: int) -> np.ndarray:
        """Kind 1 in one region, kind 2 in the other."""
        count = int(allowed.sum()) // 8
        first = grow(allowed, _one_of(rng, allowed), count=count)
        near = ndimage.binary_dilation(first, structure=np.ones((3, 3)))
        wide = ndimage.binary_dilation(near, structure=np.ones((3, 3)))
        room, start = (allowed & ~first, allowed & near & ~first) if label else (allowed & ~wide,) * 2
        second = grow(room, _one_of(rng, start), count=count)
        return first + 2 * second


def _one_of(rng: np.random.Generator, cells: np.ndarray) -> np.ndarray:
    places = np.argwhere(cells)
    return places[rng.integers(len(places))]
