"""The features themselves."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.objectives.targets.base import Target, Wanted


class Features(Target, name="features"):
    """The standardised features of the hidden patch.

    Source: GraphMAE (Hou et al. 2022); SRMIL (Wu et al. 2026).
    """

    def of(self, inputs: Tensor, adjacency: Adjacency, rows: Tensor) -> Wanted:
        """The rows."""
        return Wanted(inputs[rows])
