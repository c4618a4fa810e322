"""Neighbours in feature space: the control that keeps message passing and drops space."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import NO_EDGES, symmetric
from wsigraph.graph.row_order import row_order

BLOCK_BYTES = 64 * 2**20


class FeatureKNN(GraphBuilder, name="feature_knn"):
    """Join each patch to its k nearest by Euclidean distance of features, then take the union.

    Ties (identical patches of glass) are broken in row-major order of the coordinates, since keeping them
    would join all such patches with each other. Rows are compared in blocks: memory is O(N), time O(N^2).

    Args:
        k: Neighbours wanted, at least 1.

    Raises: GraphError: if ``k`` is less than 1.
    """

    def __init__(self, k: int = 8) -> None:
        if k < 1:
            raise GraphError(expected("FeatureKNN", "k >= 1", f"{k}"))
        self.k = k

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges to the k nearest in feature space."""
        num_nodes = len(features)
        k = min(self.k, num_nodes - 1)
        if k < 1:
            return Edges(NO_EDGES)
        x = features.x.astype(np.float32)
        # one order for every order of the file's rows, so that rounding and ties fall out the same
        order = row_order(features)
        x = x[order] - x[order].mean(axis=0, dtype=np.float64).astype(np.float32)
        near = _nearest_rows(x, k)
        source, target = order[near.ravel()], np.repeat(order, k)
        return Edges(symmetric(source, target, num_nodes))


def _nearest_rows(x: np.ndarray, k: int) -> np.ndarray:
    """``[N, k]`` nearest other rows of each row, lower rows first among equals."""
    num_nodes = len(x)
    norm = np.einsum("nc,nc->n", x, x)
    rows = max(1, BLOCK_BYTES // (4 * num_nodes))
    near = np.empty((num_nodes, k), dtype=np.int64)
    for start in range(0, num_nodes, rows):
        block = slice(start, min(start + rows, num_nodes))
        distance = norm - 2 * (x[block] @ x.T)  # less the block's own norm, which orders nothing
        distance[np.arange(len(distance)), np.arange(block.start, block.stop)] = np.inf
        kth = np.partition(distance, k - 1, axis=1)[:, k - 1 : k]
        below = distance < kth
        level = distance == kth
        spare = k - below.sum(axis=1, keepdims=True)
        level &= np.cumsum(level, axis=1) <= spare
        near[block] = np.nonzero(below | level)[1].reshape(len(distance), k)
    return near
