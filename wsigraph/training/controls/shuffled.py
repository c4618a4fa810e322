"""Shuffled coordinates: the same patches, the same places, nobody at home."""

from __future__ import annotations

from typing import Any

from wsigraph.training.control import Control
from wsigraph.training.recipe import PartSettings


class ShuffledControl(Control, name="shuffled"):
    """Deal each slide's coordinates anew among its patches before the graph is built.

    Methods without edges that read positions see the new ones too; for others of them nothing changes.
    """

    keeps = "patches, places, network, message passing, shape of the graph"
    drops = "which patch is where, in edges and in positions"
    for_sets = True

    def graph(self, graph: PartSettings, *, seed: int) -> dict[str, Any]:
        """The recipe's graph on shuffled coordinates."""
        return {"name": "shuffled", "of": graph.model_dump(), "seed": seed}
