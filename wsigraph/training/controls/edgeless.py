"""No edges: the graph network without its graph."""

from __future__ import annotations

from typing import Any

from wsigraph.training.control import Control
from wsigraph.training.recipe import PartSettings


class EdgelessControl(Control, name="edgeless"):
    """Join nothing; the network keeps its layers, and positions where it reads them."""

    keeps = "patches, network, positions"
    drops = "all message passing"

    def graph(self, graph: PartSettings, *, seed: int) -> dict[str, Any]:
        """The builder that joins nothing."""
        return {"name": "edgeless"}
