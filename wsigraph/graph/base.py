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
        draws: True for controls that draw from the slide's id: edges kept under another name are not theirs.
    """

    draws: ClassVar[bool] = False

    @property
    def may_be_edgeless(self) -> bool:
        """True only where nothing is joined on purpose; elsewhere a slide of several patches without one edge
        is an error."""
        return False

    @property
    def uses_coords(self) -> bool:
        """False where edges do not depend on coordinates."""
        return True

    def placed(self, features: PatchFeatures) -> PatchFeatures:
        """The patches where the graph has them: at their own places, but for controls."""
        return features

    @abstractmethod
    def edges(self, features: PatchFeatures) -> Edges:
        """Edges among the patches of ``features``."""

    def to_dict(self) -> dict[str, object]:
        """Name and arguments, as a recipe and a graph card write them."""
        return {"name": self.name, **{k: v for k, v in vars(self).items() if not k.startswith("_")}}
