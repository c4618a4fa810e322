"""What a patch's neighbours do not tell."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.objectives.targets.base import Target, Wanted, has_direction, neighbour_means


class Residual(Target, name="residual"):
    """The features of the patch less the mean of its neighbours: what smoothing cannot answer.

    A harder task than the features: a decoder that repeats what surrounds a patch is wrong. Patches
    without neighbours, or equal to their mean, do not count.
    """

    def of(self, inputs: Tensor, adjacency: Adjacency, rows: Tensor) -> Wanted:
        """The differences."""
        own = inputs[rows]
        means, known = neighbour_means(inputs, adjacency, rows)
        return Wanted(own - means, known & has_direction(own - means, own))
