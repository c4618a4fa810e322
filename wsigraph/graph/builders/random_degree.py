"""A random graph of the same degrees: the control that keeps how much is passed and drops from whom."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.base import Edges
from wsigraph.graph.drawn import Drawn
from wsigraph.graph.edges import symmetric
from wsigraph.graph.rewire import rewire
from wsigraph.graph.row_order import row_order, slide_draws


class RandomDegree(Drawn, name="random_degree"):
    """Rewire another builder's graph at random; each patch keeps its number of neighbours exactly.

    Patches keep their places, so parts that read positions still know them, and a patch at the rim of the
    tissue still has fewer neighbours than one inside. Where almost all patches are joined there is little or
    nothing to rewire.

    Args:
        of: The builder whose degrees are kept, by name or with options.
        seed: With the slide's id it fixes the graph, whatever the order of the file's rows.

    Raises: GraphError: if ``seed`` is negative. RecipeError: if there is no such builder or option.
    """

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
