"""All patches of a square window on the lattice."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import NO_EDGES, positions_of, to_patches
from wsigraph.graph.lattice import lattice_of
from wsigraph.graph.lookup import CellLookup

LARGEST_RINGS = 15


class Window(GraphBuilder, name="window"):
    """Join patches whose lattice indices differ by at most ``rings`` in x and in y.

    Args:
        rings: Rings of patches around each, 1 (3 x 3 patches) to 15.

    Units: lattice steps.
    Raises: GraphError: if ``rings`` is out of range, or the coordinates are given points without a lattice.
    """

    def __init__(self, rings: int = 2) -> None:
        if not 1 <= rings <= LARGEST_RINGS:
            raise GraphError(expected("Window", f"rings from 1 to {LARGEST_RINGS}", f"{rings}"))
        self.rings = rings

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges within the window."""
        if len(features) < 2:
            return Edges(NO_EDGES)
        lattice = lattice_of(features)
        if not lattice.confident:
            raise GraphError(
                expected(
                    f"Window graph of slide '{features.slide_id}'",
                    "patches on one lattice",
                    f"step {lattice.step:g} px with confidence {lattice.confidence:.2f}",
                    todo="Given points have no rows and columns: use knn, radius or delaunay.",
                )
            )
        positions = positions_of(lattice.indices(features.coords))
        lookup = CellLookup(positions.points, self.rings)
        side = range(-self.rings, self.rings + 1)
        found = np.stack([lookup.at(dx, dy) for dy in side for dx in side if (dx, dy) != (0, 0)])
        target, row = np.nonzero(found.T >= 0)
        index = np.stack([found[row, target].astype(np.int64), target])
        return Edges(to_patches(index, positions, features.slide_id))
