"""What is there to choose from: recipes and registered parts."""

from __future__ import annotations

from typing import Any

from wsigraph.errors import UnknownPartError
from wsigraph.graph.base import GraphBuilder
from wsigraph.models.catalog import entry
from wsigraph.nn.aggregators.base import Aggregator
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.masks.base import MaskDraw
from wsigraph.nn.views.base import View
from wsigraph.objectives.base import Objective
from wsigraph.objectives.targets.base import Target
from wsigraph.patches.encoder import PatchEncoder
from wsigraph.training.recipe import recipe_names


def inventory() -> dict[str, Any]:
    """Recipes with their kind and title, and the names of the parts of each family, own ones included."""
    families = (GraphBuilder, Encoder, Aggregator, View, MaskDraw, Objective, Target, PatchEncoder)
    return {
        "recipes": {name: _describe(name) for name in recipe_names()},
        "parts": {family.registry.family: family.registry.names() for family in families},
    }


def _describe(name: str) -> dict[str, Any]:
    try:
        found = entry(name)
    except UnknownPartError:  # a third party's recipe need not be published
        return {"kind": "own", "title": "", "tasks": []}
    return {"kind": found.kind, "title": found.title, "tasks": list(found.tasks)}
