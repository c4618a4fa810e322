"""Who takes part: set and graph methods, brought to one budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wsigraph.pipelines.benchmark.arms import has_edges
from wsigraph.pipelines.benchmark.suite import Wish
from wsigraph.training.recipe import Recipe, recipe

SETS = ("mean_pool", "max_pool", "abmil", "clam_sb", "dsmil", "transmil")
"""Methods without edges; all but the last, which reads patches in raster order, see a set."""

GRAPHS = ("gcn", "gin", "sage", "gat", "gatv2", "pna", "patchgcn", "smooth_abmil", "srmil")
"""Methods that pass messages between neighbours; all but the last end in gated attention, as ``PARTNER``."""

PARTNER = "abmil"
"""The set method that graph methods are compared with one by one."""


def entrants(
    names: Sequence[str],
    *,
    in_channels: int,
    classes: Sequence[str],
    graph: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Recipe]:
    """Recipes by name, on one graph and one budget.

    Args:
        names: Recipes.
        in_channels: Width of the features.
        classes: Class names.
        graph: Graph builder of every method that has edges.
        settings: The protocol: epochs, slides per step, checkpoint rule; the same for all of them.

    Raises: UnknownPartError: if there is no such recipe. RecipeError: if a setting is none.
    """
    found = {}
    for name in names:
        one = recipe(name, in_channels=in_channels, classes=tuple(classes)).with_settings(settings)
        found[name] = one.with_settings({"graph": dict(graph)}) if has_edges(one) else one
    return found


def wished(
    wish: Wish,
    *,
    in_channels: int,
    classes: Sequence[str],
    graph: Mapping[str, Any],
    settings: Mapping[str, Any],
    usual: Sequence[str] = (*SETS, *GRAPHS),
) -> dict[str, Recipe]:
    """The entrants of a suite: those that are asked for, or its usual ones, with what is asked changed.

    Args:
        wish: Recipes and changes asked for.
        in_channels: As ``entrants``.
        classes: As ``entrants``.
        graph: As ``entrants``.
        settings: The suite's protocol.
        usual: Its own list.

    Raises: as ``entrants``.
    """
    names, changed = wish.recipes or usual, {**settings, **wish.changes}
    return entrants(names, in_channels=in_channels, classes=classes, graph=graph, settings=changed)
