"""The tissue around a patch, seen out of focus."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.objectives.targets.base import Target, Wanted, has_direction, without_loops


class Diffused(Target, name="diffused"):
    r"""Features after some steps of a lazy walk over the edges.

    .. math::  y^{t+1}_v = \tfrac12 y^t_v + \tfrac12 \mathrm{mean}_{u \to v, u \ne v}\, y^t_u, \quad y^0 = x

    A patch without neighbours keeps its features.

    Args:
        steps: Number of steps: how far the answer reaches.

    Raises: RecipeError: if ``steps`` is below 1.
    """

    def __init__(self, *, steps: int = 2) -> None:
        if steps < 1:
            raise RecipeError(expected("Target 'diffused'", "at least 1 step", f"{steps}"))
        self.steps = steps

    def of(self, inputs: Tensor, adjacency: Adjacency, rows: Tensor) -> Wanted:
        """The smoothed rows."""
        edges = without_loops(adjacency)
        half = 0.5 * (edges.by_target.ptr.diff() > 0).to(inputs.dtype).unsqueeze(1)
        values = inputs
        for _ in range(self.steps):
            values = (1.0 - half) * values + half * aggregate(values, adjacency=edges, reduce="mean")
        return Wanted(values[rows], has_direction(values[rows], inputs[rows]))
