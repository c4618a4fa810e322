"""Neighbours in feature space: message passing without space."""

from __future__ import annotations

from typing import Any

from wsigraph.training.control import Control
from wsigraph.training.recipe import PartSettings


class FeatureKNNControl(Control, name="feature_knn"):
    """Join each patch to the k that look most like it: k of the recipe's graph, 8 where it has none."""

    keeps = "patches, network, message passing, positions"
    drops = "neighbourhood in space"

    def graph(self, graph: PartSettings, *, seed: int) -> dict[str, Any]:
        """k nearest neighbours by features."""
        return {"name": "feature_knn", "k": graph.options.get("k", 8)}
