"""No edges at all: the control that turns a graph model into a set model."""

from __future__ import annotations

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import NO_EDGES


class Edgeless(GraphBuilder, name="edgeless"):
    """Join nothing."""

    may_be_edgeless = True
    uses_coords = False

    def edges(self, features: PatchFeatures) -> Edges:
        """No edges."""
        return Edges(NO_EDGES)
