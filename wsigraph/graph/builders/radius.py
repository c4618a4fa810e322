"""All patches within a physical distance."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import cKDTree

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import (
    DEGREE_LIMIT,
    NO_EDGES,
    RELATIVE_TOLERANCE,
    positions_of,
    symmetric,
    to_patches,
)


class Radius(GraphBuilder, name="radius"):
    """Join patches at most ``um`` apart, the border included.

    Args:
        um: Distance between patches.

    Units: micrometres; needs the slide's mpp.
    Raises: GraphError: if ``um`` is not positive, the slide's mpp is unknown, or the radius takes in more
        than 1,000 neighbours per patch.
    """

    def __init__(self, um: float) -> None:
        if not (math.isfinite(um) and um > 0):
            raise GraphError(expected("Radius", "um > 0", f"{um}"))
        self.um = um

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges within the radius."""
        if not features.mpp > 0:
            raise GraphError(
                expected(
                    f"Radius graph of slide '{features.slide_id}'",
                    "a known mpp",
                    f"{features.mpp}",
                    todo="Encode with --slide-mpp, or use knn or window, which need none.",
                )
            )
        if len(features) < 2:
            return Edges(NO_EDGES)
        positions = positions_of(features.coords)
        radius = self.um / features.mpp * (1 + RELATIVE_TOLERANCE)
        tree = cKDTree(positions.points.astype(np.float64))
        self._refuse_crowd(tree, radius, features.slide_id)
        pairs = tree.query_pairs(radius, output_type="ndarray")
        index = symmetric(pairs[:, 0], pairs[:, 1], len(positions.points))
        return Edges(to_patches(index, positions, features.slide_id))

    def _refuse_crowd(self, tree: cKDTree, radius: float, slide_id: str) -> None:
        """Count before building: a radius of a whole slide would ask for N x N pairs."""
        mean = tree.count_neighbors(tree, radius) / tree.n - 1
        if mean > DEGREE_LIMIT:
            raise GraphError(
                expected(
                    f"Radius graph of slide '{slide_id}'",
                    f"at most {DEGREE_LIMIT} neighbours per patch on average",
                    f"{mean:.0f} within {self.um:g} um",
                    todo="Ask for a smaller radius.",
                )
            )
