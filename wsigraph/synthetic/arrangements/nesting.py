"""One kind inside the other against the other inside the one."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from wsigraph.synthetic.arrangement import grow
from wsigraph.synthetic.dial import Arrangement


class Nesting(Arrangement, name="nesting"):
    """A round region whose core is one kind and whose rim is the other, equally many cells of each.

    Both classes have the same border between the kinds; only which of them meets the background differs.
    """

    classes = ("first_outside", "first_inside")

    def kinds(self, rng: np.random.Generator, allowed: np.ndarray, *, label: int) -> np.ndarray:
        """Core and rim, kind 1 in the core for label 1."""
        count = int(allowed.sum()) // 8
        depth = ndimage.distance_transform_cdt(allowed, metric="chessboard")
        deep = np.argwhere(depth >= depth.max() - 1)
        centre = deep[rng.integers(len(deep))]
        core = grow(allowed, centre, count=count)
        rim = grow(allowed, centre, count=2 * count) & ~core
        inside, outside = (1, 2) if label else (2, 1)
        return inside * core + outside * rim
