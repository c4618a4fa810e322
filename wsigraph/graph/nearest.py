"""The k nearest positions, on lattice indices or on distances, with ties kept or broken."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from wsigraph.graph.edges import NO_EDGES, RELATIVE_TOLERANCE, symmetric
from wsigraph.graph.lookup import CellLookup, offsets_within

LARGEST_REACH = 6.0
"""Beyond this many steps a tree is quicker than looking at every offset."""


def lattice_keep(cells: np.ndarray, k: int, reach: float) -> np.ndarray:
    """Join each cell to every cell no farther than its k-th nearest, and to who so joined it.

    Args:
        cells: ``[M, 2]`` distinct lattice indices in row-major order.
        k: Neighbours wanted; more where distances tie.
        reach: Farthest neighbour allowed, in steps.

    Returns: ``[2, E]`` symmetric edges, sorted by target.
    """
    if not len(cells) or reach < 1:
        return NO_EDGES
    offsets = offsets_within(reach)
    square = (offsets**2).sum(axis=1)
    lookup = CellLookup(cells, int(reach))
    found = np.stack([lookup.at(int(dx), int(dy)) for dx, dy in offsets])
    present = found >= 0
    limit = np.full(len(cells), square[-1], dtype=square.dtype)
    count = np.zeros(len(cells), dtype=np.int64)
    # outermost first, so that the innermost shell that suffices is set last
    for shell in sorted(set(square.tolist()), reverse=True):
        count = present[square <= shell].sum(axis=0)
        limit[count >= k] = shell
    for row, distance in enumerate(square.tolist()):
        present[row] &= distance <= np.maximum(limit, limit[found[row]])
    target, offset = np.nonzero(present.T)
    return np.stack([found[offset, target].astype(np.int64), target])


def lattice_break(cells: np.ndarray, k: int, reach: float) -> np.ndarray:
    """Join each cell to exactly its k nearest, equals in row-major order, then take the union."""
    if not len(cells) or reach < 1:
        return NO_EDGES
    lookup = CellLookup(cells, int(reach))
    found = np.stack([lookup.at(int(dx), int(dy)) for dx, dy in offsets_within(reach)])
    present = found >= 0
    present &= np.cumsum(present, axis=0) <= k
    row, target = np.nonzero(present)
    return symmetric(found[row, target].astype(np.int64), target, len(cells))


def tree_keep(points: np.ndarray, k: int, reach: float) -> np.ndarray:
    """As ``lattice_keep``, for any points; distances within 1e-6 of each other count as equal.

    Args:
        points: ``[M, 2]`` distinct points.
        k: Neighbours wanted; more where distances tie.
        reach: Farthest neighbour allowed.

    Returns: ``[2, E]`` symmetric edges, sorted by target.
    """
    sources, targets = [], []
    for rows, distance, index in _queries(points, k, reach):
        keep = np.isfinite(distance) & (distance <= _kth(distance, k) * (1 + RELATIVE_TOLERANCE))
        which, column = np.nonzero(keep)
        sources.append(index[which, column])
        targets.append(rows[which])
    return _union(sources, targets, len(points))


def tree_break(points: np.ndarray, k: int, reach: float) -> np.ndarray:
    """As ``lattice_break``, for any points; equals in the order of ``points``."""
    sources, targets = [], []
    for rows, distance, index in _queries(points, k, reach):
        kth = _kth(distance, k)
        tied = np.abs(distance - kth) <= kth * RELATIVE_TOLERANCE
        order = np.lexsort((index, np.where(tied, kth, distance)), axis=1)[:, : k + 1]
        chosen = np.take_along_axis(index, order, axis=1)
        near = np.isfinite(np.take_along_axis(distance, order, axis=1))
        sources.append(chosen[near])
        targets.append(np.broadcast_to(rows[:, None], chosen.shape)[near])
    return _union(sources, targets, len(points))


def _kth(distance: np.ndarray, k: int) -> np.ndarray:
    """``[R, 1]`` distance of the k-th neighbour (column 0 is the point itself), inf for fewer."""
    return distance[:, min(k, distance.shape[1] - 1)][:, None]


def _queries(points: np.ndarray, k: int, reach: float) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Neighbours of every point, asking again for more only where ties may continue past the last one."""
    if len(points) < 2:
        return []
    tree = cKDTree(points)
    bound = np.nextafter(reach * (1 + RELATIVE_TOLERANCE), np.inf)
    rows, wanted, answers = np.arange(len(points)), k + 5, []
    while len(rows):
        wanted = min(wanted, len(points))
        distance, index = tree.query(points[rows], k=wanted, distance_upper_bound=bound)
        last = distance[:, -1:]
        open_end = np.isfinite(last) & (last <= _kth(distance, k) * (1 + RELATIVE_TOLERANCE))
        more = open_end[:, 0] & (wanted < len(points))
        answers.append((rows[~more], distance[~more], index[~more]))
        rows, wanted = rows[more], wanted * 2
    return answers


def _union(sources: list[np.ndarray], targets: list[np.ndarray], num_points: int) -> np.ndarray:
    if not sources:
        return NO_EDGES
    return symmetric(np.concatenate(sources), np.concatenate(targets), num_points)
