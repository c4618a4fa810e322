"""What builders share: pairs of positions become symmetric edges of patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from wsigraph.errors import GraphError, expected

RELATIVE_TOLERANCE = 1e-6
"""Two distances this close count as equal."""
DEGREE_LIMIT = 1000
"""More neighbours than this on average is a damaged file, not a neighbourhood."""

NO_EDGES = np.empty((2, 0), dtype=np.int64)


@dataclass(frozen=True)
class Positions:
    """Distinct positions, and which patches lie on each.

    Args:
        points: ``[M, 2]`` distinct positions, in row-major order (y, then x).
        member: ``[N]`` position of each patch.
    """

    points: np.ndarray
    member: np.ndarray

    @property
    def duplicates(self) -> int:
        """Patches beyond the first of their position."""
        return len(self.member) - len(self.points)


def positions_of(points: np.ndarray) -> Positions:
    """Group patches that share a position: the k nearest of a patch are k positions other than its own."""
    order = np.lexsort((points[:, 0], points[:, 1]))
    line = points[order]
    first = np.ones(len(line), dtype=bool)
    first[1:] = (line[1:] != line[:-1]).any(axis=1)
    member = np.empty(len(line), dtype=np.int64)
    member[order] = np.cumsum(first) - 1
    return Positions(line[first], member)


def symmetric(source: np.ndarray, target: np.ndarray, num_nodes: int) -> np.ndarray:
    """Union of directed pairs and their reverse: ``[2, E]``, sorted by target, without self-loops."""
    shape = (num_nodes, num_nodes)
    away = source != target
    source, target = source[away], target[away]
    half = sparse.csr_matrix((np.ones(len(source), dtype=bool), (target, source)), shape=shape)
    whole = (half + half.T).tocsr()
    whole.sort_indices()
    targets = np.repeat(np.arange(num_nodes, dtype=np.int64), np.diff(whole.indptr))
    return np.stack([whole.indices.astype(np.int64), targets])


def to_patches(index: np.ndarray, positions: Positions, slide_id: str) -> np.ndarray:
    """Edges among positions become edges among their patches; patches of one position are joined.

    Args:
        index: ``[2, E]`` symmetric edges among positions, sorted by target.
        positions: Which patches lie where.
        slide_id: For the error text.

    Raises: GraphError: if so many patches share positions that edges would number over 1,000 per patch.
    """
    num_nodes, num_points = len(positions.member), len(positions.points)
    counts = np.bincount(positions.member, minlength=num_points)
    total = int((counts[index[0]] * counts[index[1]]).sum() + (counts * (counts - 1)).sum())
    if total > DEGREE_LIMIT * num_nodes:
        raise GraphError(
            expected(
                f"Graph of slide '{slide_id}'",
                f"at most {DEGREE_LIMIT} neighbours per patch on average",
                f"{total / num_nodes:.0f} ({num_nodes} patches on {num_points} distinct positions)",
                todo="Ask for fewer neighbours, or remove patches that share coordinates.",
            )
        )
    if num_points == num_nodes:
        return _renumbered(index, positions.member)
    patches, loops = np.arange(num_nodes), np.arange(num_points)
    belongs = _matrix(patches, positions.member, (num_nodes, num_points))
    rows, columns = np.concatenate([index[1], loops]), np.concatenate([index[0], loops])
    near = _matrix(rows, columns, (num_points, num_points))
    pairs = (belongs @ near @ belongs.T).tocoo()
    return symmetric(pairs.col.astype(np.int64), pairs.row.astype(np.int64), num_nodes)


def _renumbered(index: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Edges among positions as edges among patches, where each position holds one patch."""
    num_nodes = len(member)
    if (member == np.arange(num_nodes)).all():
        return index
    patch = np.empty(num_nodes, dtype=np.int64)
    patch[member] = np.arange(num_nodes)
    start = np.concatenate([[0], np.cumsum(np.bincount(index[1], minlength=num_nodes))])
    count = np.diff(start)[member]
    target = np.repeat(np.arange(num_nodes, dtype=np.int64), count)
    within = np.arange(len(target)) - np.repeat(np.cumsum(count) - count, count)
    return np.stack([patch[index[0][start[member][target] + within]], target])


def _matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=shape)


def median_gap(points: np.ndarray) -> float:
    """Median distance to the nearest other position, inf for fewer than two."""
    if len(points) < 2:
        return float("inf")
    distance, _ = cKDTree(points).query(points, k=2)
    return float(np.median(distance[:, 1]))
