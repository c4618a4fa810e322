"""k nearest neighbours that do not depend on the order of rows."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph import nearest
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import median_gap, positions_of, to_patches
from wsigraph.graph.lattice import lattice_of


class KNN(GraphBuilder, name="knn"):
    """Join each patch to its k nearest, and to everyone as near as the k-th.

    On a lattice of patches most distances tie, and a tree returns equals in the order of the file's rows.
    With ties kept the same tissue gives the same graph however rows are ordered or the slide is turned.
    Patches that share coordinates count as one position: they are joined to each other and have the same
    neighbours, so a duplicate never takes the place of a real neighbour.

    Args:
        k: Neighbouring positions wanted, at least 1.
        ties: ``"keep"`` everyone at the k-th distance, or ``"break"`` them in row-major order (y, then x)
            for exactly k before edges are made symmetric.
        max_steps: Farthest neighbour, in lattice steps; off a lattice, in median nearest-neighbour distances.
            Fragments farther apart are not joined.

    Units: lattice steps for ``max_steps``.
    Raises: GraphError: if an argument is out of range, or too many patches share coordinates.
    """

    def __init__(self, k: int = 8, *, ties: str = "keep", max_steps: float = 3) -> None:
        if k < 1 or max_steps <= 0:
            raise GraphError(expected("KNN", "k >= 1 and max_steps > 0", f"k={k}, max_steps={max_steps}"))
        if ties not in ("keep", "break"):
            raise GraphError(expected("KNN", "ties 'keep' or 'break'", f"{ties!r}"))
        self.k = k
        self.ties = ties
        self.max_steps = max_steps

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges to the k nearest positions."""
        lattice = lattice_of(features)
        if lattice.exact:
            positions = positions_of(lattice.indices(features.coords))
            on_offsets = self.max_steps <= nearest.LARGEST_REACH
            points, reach = positions.points, float(self.max_steps)
            notes: tuple[str, ...] = ()
        else:
            positions = positions_of(features.coords)
            on_offsets = False
            points = positions.points
            reach = self.max_steps * (lattice.step if lattice.confident else median_gap(points))
            notes = ("neighbours by distance: the coordinates keep to no lattice",)
        search = {
            (True, "keep"): nearest.lattice_keep,
            (True, "break"): nearest.lattice_break,
            (False, "keep"): nearest.tree_keep,
            (False, "break"): nearest.tree_break,
        }[on_offsets, self.ties]
        points = points if on_offsets else points.astype(np.float64)
        return Edges(to_patches(search(points, self.k, reach), positions, features.slide_id), notes)
