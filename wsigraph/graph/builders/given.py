"""Edges that came with the data, as of a published graph."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import NO_EDGES, positions_of, symmetric, to_patches


class Given(GraphBuilder, name="given"):
    """Join what the features say is joined (``PatchFeatures.joins``), in both directions.

    The ends of a given edge are places: patches that were left out leave their edges out too, which is
    noted, and the control of shuffled coordinates deals the patches anew among the ends.

    Raises: GraphError: if a slide of several patches comes with no edges.
    """

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges between the patches at the given places."""
        if len(features) < 2:
            return Edges(NO_EDGES)
        if not len(features.joins):
            raise GraphError(
                expected(
                    f"Graph of slide '{features.slide_id}'",
                    f"edges of {len(features)} patches in the features, as builder 'given' takes them",
                    "none",
                    todo="Write features with joins, or use another builder.",
                )
            )
        positions = positions_of(features.coords)
        ends = features.joins.reshape(-1, 2)
        place = _places(positions.points, ends).reshape(-1, 2)
        there = place[(place >= 0).all(axis=1)]
        index = symmetric(there[:, 0], there[:, 1], len(positions.points))
        lost = len(place) - len(there)
        notes = (f"{lost} of {len(place)} given edges end where no patch is",) if lost else ()
        return Edges(to_patches(index, positions, features.slide_id), notes)


def _places(points: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Row of ``points``, distinct positions, that each end is; -1 where it is none of them."""
    both, row = np.unique(np.concatenate([points, ends]), axis=0, return_inverse=True)
    found = np.full(len(both), -1, dtype=np.int64)
    row = row.reshape(-1)
    found[row[: len(points)]] = np.arange(len(points))
    return found[row[len(points) :]]
