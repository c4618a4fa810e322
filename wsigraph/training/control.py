"""What a control is: the same recipe on a graph from which space, or one part of it, was taken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from wsigraph.errors import RecipeError, expected
from wsigraph.registry import Part
from wsigraph.training.build import graph_builder
from wsigraph.training.recipe import PartSettings, Recipe


class Control(Part, ABC, family="control", package="wsigraph.training.controls"):
    """One way to take space from a method and leave the rest of it alone.

    Attributes:
        keeps: What the model still knows, in a few words.
        drops: What it no longer knows: a gain that survives did not come from this.
        for_sets: Whether it also changes what a method without edges sees.
    """

    keeps: ClassVar[str]
    drops: ClassVar[str]
    for_sets: ClassVar[bool] = False

    @abstractmethod
    def graph(self, graph: PartSettings, *, seed: int) -> dict[str, Any]:
        """The graph builder of the control, in the place of the recipe's."""


def control(recipe: Recipe, name: str, *, seed: int = 0) -> Recipe:
    """The same recipe under a control; nothing but its graph differs.

    Args:
        recipe: A method, usually one on a graph.
        name: One of ``control_names()``.
        seed: Seed of the run; with each slide's id it fixes what the control draws.

    Raises: UnknownPartError: if there is no such control. RecipeError: if the recipe joins no patches and the
        control concerns edges alone, or its graph is the control's already.
    """
    chosen: Control = Control.registry.get(name)()
    builder = graph_builder(recipe)
    where = f"Control '{name}' of recipe '{recipe.name}'"
    if builder.may_be_edgeless and not chosen.for_sets:
        todo = "A set method needs no such control."
        raise RecipeError(expected(where, "a graph with edges", f"'{builder.name}'", todo=todo))
    changed = chosen.graph(recipe.graph, seed=seed)
    if changed["name"] == recipe.graph.name:
        raise RecipeError(expected(where, "another graph than the control's", f"'{recipe.graph.name}'"))
    return Recipe.from_dict({**recipe.model_dump(), "graph": changed})


def control_names() -> list[str]:
    """Names of all controls."""
    return Control.registry.names()
