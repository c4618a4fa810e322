"""What controls have in common: another builder's graph, changed by a draw that the slide's id fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import GraphBuilder


class Drawn(GraphBuilder):
    """A builder around another one.

    Args:
        of: The builder whose graph is changed, by name or with options.
        seed: With the slide's id it fixes the draw, whatever the order of the file's rows.

    Raises: GraphError: if ``seed`` is negative. RecipeError: if there is no such builder or option.
    """

    draws = True

    def __init__(self, of: str | Mapping[str, Any] = "knn", *, seed: int = 0) -> None:
        if seed < 0:
            raise GraphError(expected(type(self).__name__, "seed >= 0", f"{seed}"))
        self._inner: GraphBuilder = GraphBuilder.registry.make(of)
        self.of = self._inner.to_dict()
        self.seed = seed

    @property
    def may_be_edgeless(self) -> bool:
        """As the builder inside."""
        return self._inner.may_be_edgeless

    @property
    def uses_coords(self) -> bool:
        """As the builder inside."""
        return self._inner.uses_coords
