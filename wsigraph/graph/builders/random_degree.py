"""A random graph of the same degrees: the control that keeps how much is passed and drops from whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import GraphError, expected
from wsigraph.graph.base import Edges, GraphBuilder
from wsigraph.graph.edges import symmetric
from wsigraph.graph.rewire import rewire
from wsigraph.graph.row_order import row_order, slide_draws


class RandomDegree(GraphBuilder, name="random_degree"):
    """Rewire another builder's graph at random; each patch keeps its number of neighbours exactly.

    Patches keep their places, so parts that read positions still know them, and a patch at the rim of the
    tissue still has fewer neighbours than one inside. Where almost all patches are joined there is little or
    nothing to rewire.

    Args:
        of: The builder whose degrees are kept, by name or with options.
        seed: With the slide's id it fixes the graph, whatever the order of the file's rows.

    Raises: GraphError: if ``seed`` is negative. RecipeError: if there is no such builder or option.
    """

    draws = True

    def __init__(self, of: str | Mapping[str, Any] = "knn", *, seed: int = 0) -> None:
        if seed < 0:
            raise GraphError(expected("RandomDegree", "seed >= 0", f"{seed}"))
        self._inner: GraphBuilder = GraphBuilder.registry.make(of)
        self.of = self._inner.to_dict()
        self.seed = seed

    @property
    def may_be_edgeless(self) -> bool:
        """As the builder of the degrees."""
        return self._inner.may_be_edgeless

    @property
    def uses_coords(self) -> bool:
        """As the builder of the degrees."""
        return self._inner.uses_coords

    def placed(self, features: PatchFeatures) -> PatchFeatures:
        """As the builder of the degrees places them."""
        return self._inner.placed(features)

    def edges(self, features: PatchFeatures) -> Edges:
        """Symmetric edges of the random graph."""
        found = self._inner.edges(features)
        num_nodes, order = len(features), row_order(features)
        rank = np.empty(num_nodes, dtype=np.int64)
        rank[order] = np.arange(num_nodes)
        pairs = rank[found.index]
        pairs = pairs[:, pairs[0] < pairs[1]]
        pairs = pairs[:, np.lexsort(pairs)]
        source, target = order[rewire(pairs, num_nodes, rng=slide_draws(self.seed, features.slide_id))]
        note = f"control: {pairs.shape[1]} edges rewired at random, degrees kept"
        return Edges(symmetric(source, target, num_nodes), (*found.notes, note))
