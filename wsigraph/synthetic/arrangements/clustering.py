"""Scattered cells against groups of them."""

from __future__ import annotations

import numpy as np

from wsigraph.synthetic.arrangement import LABELS, arrange
from wsigraph.synthetic.dial import Arrangement


class Clustering(Arrangement, name="clustering"):
    """An eighth of the cells, each apart from the others or in three groups."""

    classes = ("scattered", "clustered")

    def kinds(self, rng: np.random.Generator, allowed: np.ndarray, *, label: int) -> np.ndarray:
        """Kind 1 as the label says."""
        count = int(allowed.sum()) // 8
        return arrange(rng, allowed, count=count, label=LABELS[label]).astype(np.int64)
