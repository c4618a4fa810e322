"""Coordinates dealt anew among the patches: the control that keeps the places and drops who is where."""

from __future__ import annotations

from dataclasses import replace

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.graph.base import Edges
from wsigraph.graph.drawn import Drawn
from wsigraph.graph.row_order import row_order, slide_draws


class Shuffled(Drawn, name="shuffled"):
    """Deal the slide's coordinates anew among its patches, then build the graph of another builder.

    The set of rows and the set of places stay what they are, and so does the shape of the graph; what a
    neighbour is says nothing any more. The graph carries the new positions, so that parts that read positions
    see them too.

    Args:
        of: The builder, by name or with options.
        seed: With the slide's id it fixes the deal, whatever the order of the file's rows.

    Raises: GraphError: if ``seed`` is negative. RecipeError: if there is no such builder or option.
    """

    def placed(self, features: PatchFeatures) -> PatchFeatures:
        """The same patches at each other's places."""
        return self._inner.placed(self._dealt(features))

    def edges(self, features: PatchFeatures) -> Edges:
        """Edges that the builder finds among the patches at their new places."""
        return self._inner.edges(self._dealt(features))

    def _dealt(self, features: PatchFeatures) -> PatchFeatures:
        order = row_order(features)
        coords = features.coords.copy()
        coords[order] = features.coords[slide_draws(self.seed, features.slide_id).permutation(order)]
        note = f"control: coordinates dealt anew among {len(features)} patches"
        return replace(features, coords=coords, notes=(*features.notes, note))
