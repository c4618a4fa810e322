"""A random graph of the same degrees: message passing between strangers."""

from __future__ import annotations

from typing import Any

from wsigraph.training.control import Control
from wsigraph.training.recipe import PartSettings


class RandomDegreeControl(Control, name="random_degree"):
    """Rewire the recipe's graph at random; every patch keeps its number of neighbours and its place."""

    keeps = "patches, network, message passing, degree of each patch, positions"
    drops = "who is whose neighbour"

    def graph(self, graph: PartSettings, *, seed: int) -> dict[str, Any]:
        """The recipe's graph, rewired."""
        return {"name": "random_degree", "of": graph.model_dump(), "seed": seed}
