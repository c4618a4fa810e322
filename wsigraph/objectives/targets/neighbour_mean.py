"""What surrounds a hidden patch."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.objectives.targets.base import Target, Wanted, has_direction, neighbour_means


class NeighbourMean(Target, name="neighbour_mean"):
    """Mean of the features of the patch's neighbours, itself not among them.

    An easier task than the features: visible neighbours are part of the answer, so most of the loss
    tells of hidden ones. Patches without neighbours do not count.
    """

    def of(self, inputs: Tensor, adjacency: Adjacency, rows: Tensor) -> Wanted:
        """The means."""
        means, known = neighbour_means(inputs, adjacency, rows)
        return Wanted(means, known & has_direction(means, inputs[rows]))
