"""Controls by name, as a plan wants them: each leaves alone the recipes that it does not concern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from wsigraph.pipelines.benchmark.arms import has_edges
from wsigraph.training.control import Control, control, control_names
from wsigraph.training.recipe import Recipe


def controls(names: Sequence[str] | None = None, *, seed: int = 0) -> dict[str, Callable[[Recipe], Recipe]]:
    """Functions from a recipe to the recipe under a control.

    What a control draws is drawn once per slide, the same for every seed of a benchmark, so that its graphs
    are built once.

    Args:
        names: Of controls; all of them where not given.
        seed: Of the draws.

    Raises: UnknownPartError: if there is no such control.
    """
    chosen = control_names() if names is None else list(names)
    for name in chosen:
        Control.registry.get(name)
    return {name: partial(_under, name=name, seed=seed) for name in chosen}


def _under(recipe: Recipe, *, name: str, seed: int) -> Recipe:
    if recipe.graph.name == name or not (has_edges(recipe) or Control.registry.get(name).for_sets):
        return recipe
    return control(recipe, name, seed=seed)
