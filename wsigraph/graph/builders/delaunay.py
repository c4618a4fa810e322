"""Natural neighbours: edges of the Delaunay triangulation."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay as Triangulation
from scipy.spatial import QhullError

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import NO_EDGES, RELATIVE_TOLERANCE, median_gap, positions_of, symmetric, to_patches
from wsigraph.graph.lattice import lattice_of


class Delaunay(GraphBuilder, name="delaunay"):
    """Join natural neighbours, and cut edges that span gaps of tissue.

    Differs: where four or more positions lie on one empty circle (every square of a lattice) the
    triangulation is not unique; its ambiguous diagonals are left out, so that row order does not matter.
    A full lattice gives each patch its four neighbours.

    Args:
        max_steps: Longest edge, in lattice steps; off a lattice, in median nearest-neighbour distances.

    Units: lattice steps for ``max_steps``.
    Raises: GraphError: if ``max_steps`` is not positive.
    """

    def __init__(self, max_steps: float = 3) -> None:
        if max_steps <= 0:
            raise GraphError(expected("Delaunay", "max_steps > 0", f"{max_steps}"))
        self.max_steps = max_steps

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges of the triangulation, the long ones cut."""
        if not len(features):
            return Edges(NO_EDGES)
        lattice = lattice_of(features)
        points = lattice.indices(features.coords) if lattice.exact else features.coords
        positions = positions_of(points)
        points = positions.points.astype(np.float64)
        reach = self.max_steps
        if not lattice.exact:
            reach *= lattice.step if lattice.confident else median_gap(points)
        pairs = _pairs(points - points[0])
        length = np.linalg.norm(points[pairs[0]] - points[pairs[1]], axis=1)
        pairs = pairs[:, length <= reach * (1 + RELATIVE_TOLERANCE)]
        return Edges(to_patches(symmetric(pairs[0], pairs[1], len(points)), positions, features.slide_id))


def _pairs(points: np.ndarray) -> np.ndarray:
    """``[2, P]`` unambiguous Delaunay edges of distinct points; a path where all lie on one line."""
    if len(points) < 2:
        return NO_EDGES
    if len(points) == 2 or np.linalg.matrix_rank(points - points.mean(axis=0), tol=1e-9 * np.ptp(points)) < 2:
        order = np.lexsort((points[:, 0], points[:, 1]))
        return np.stack([order[:-1], order[1:]])
    try:
        mesh = Triangulation(points)
    except QhullError as error:
        raise GraphError(
            expected("Delaunay graph", "positions that span a plane", f"{len(points)} that do not")
        ) from error
    left_out = mesh.coplanar[:, [0, 2]].T.astype(np.int64)  # too near another point for qhull: join to it
    return np.concatenate([_unambiguous(mesh, points), left_out], axis=1)


def _unambiguous(mesh: Triangulation, points: np.ndarray) -> np.ndarray:
    """Edges of the triangulation except those inside a circle that passes through four points."""
    found = []
    for corner in range(3):
        first, second = mesh.simplices[:, (corner + 1) % 3], mesh.simplices[:, (corner + 2) % 3]
        other = mesh.neighbors[:, corner]
        inner = other >= 0
        opposite = mesh.simplices[other]
        apart = ~((opposite == first[:, None]) | (opposite == second[:, None]))
        far = opposite[np.arange(len(opposite)), apart.argmax(axis=1)]
        flat = inner & _on_one_circle(points, mesh.simplices[:, corner], first, second, far)
        found.append(np.stack([first[~flat], second[~flat]]))
    return np.concatenate(found, axis=1).astype(np.int64)


def _on_one_circle(
    points: np.ndarray, a: np.ndarray, first: np.ndarray, second: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Whether the angles at ``a`` and ``b`` over the chord first-second sum to 180 degrees."""
    sine_a, cosine_a = _angle(points, a, first, second)
    sine_b, cosine_b = _angle(points, b, first, second)
    return np.abs(sine_a * cosine_b + cosine_a * sine_b) <= RELATIVE_TOLERANCE


def _angle(
    points: np.ndarray, at: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    u, v = points[first] - points[at], points[second] - points[at]
    scale = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
    sine = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / scale
    return sine, (u * v).sum(axis=1) / scale
