"""What a graph builder is: coordinates in, edges out; the same for every strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.registry import Part


@dataclass(frozen=True)
class Edges:
    """What a builder found.

    Args:
        index: ``[2, E]`` int64, row 0 source -> row 1 target, symmetric, no duplicates, no self-loops.
        notes: What the builder wants the graph card to say, one sentence each.
    """

    index: np.ndarray
    notes: tuple[str, ...] = ()


class GraphBuilder(Part, ABC, family="graph builder", package="wsigraph.graph.builders"):
    """Connects the patches of one slide.

    Attributes:
        may_be_edgeless: True only for controls that join nothing on purpose; elsewhere a slide of several
            patches without one edge is an error.
        uses_coords: False where edges do not depend on coordinates.
    """

    may_be_edgeless: ClassVar[bool] = False
    uses_coords: ClassVar[bool] = True

    @abstractmethod
    def edges(self, features: PatchFeatures) -> Edges:
        """Edges among the patches of ``features``."""

    def to_dict(self) -> dict[str, object]:
        """Name and arguments, as a recipe and a graph card write them."""
        return {"name": self.name, **{k: v for k, v in vars(self).items() if not k.startswith("_")}}
