"""Recipes and their controls, and which of them read where patches lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wsigraph.errors import RecipeError, RunError, expected
from wsigraph.pipelines.benchmark.plan import PLAIN, Contest, Control
from wsigraph.pipelines.cohort_graphs import check_question
from wsigraph.training.build import graph_builder
from wsigraph.training.node_head import node_classifier
from wsigraph.training.recipe import Recipe


@dataclass(frozen=True)
class Arm:
    """One method of a contest.

    Args:
        recipe_name: The recipe, as the contest calls it.
        control: What was done to it; ``"none"`` where nothing.
        recipe: The recipe as it is trained.
        kind: Of the recipe without a control: ``"graph"`` where it joins patches, ``"sequence"`` where it
            reads places without edges (patches in raster order are not a set), ``"set"`` elsewhere.
    """

    recipe_name: str
    control: str
    recipe: Recipe
    kind: str

    @property
    def name(self) -> str:
        """``recipe`` or ``recipe+control``."""
        return self.recipe_name if self.control == PLAIN else f"{self.recipe_name}+{self.control}"


def arms_of(contest: Contest, controls: Mapping[str, Control]) -> list[Arm]:
    """Every recipe as it is, and each control of those that have edges or read places.

    A control that changes nothing of a recipe is no arm of its own.

    Raises: RecipeError: if a recipe cannot be built or controlled, answers nothing, or is asked
        something else than the cohort was read for. CohortError: if the cohort has no labels.
    """
    found = []
    for name, recipe in contest.recipes.items():
        if not recipe.classifies:
            where = f"Benchmark of '{contest.name}', recipe '{name}'"
            raise RecipeError(expected(where, "a recipe with heads", "label-free pretraining"))
        check_question(recipe, contest.cohort)
        recipe.build()
        if contest.nodes is not None:
            node_classifier(recipe)
        kind = kind_of(recipe)
        found.append(Arm(name, PLAIN, recipe, kind))
        for control, change in controls.items() if kind != "set" else ():
            changed = change(recipe)
            if changed != recipe:
                changed.build()
                found.append(Arm(name, control, changed, kind))
    return found


def kind_of(recipe: Recipe) -> str:
    """``"graph"``, ``"sequence"`` or ``"set"``."""
    if has_edges(recipe):
        return "graph"
    return "sequence" if reads_places(recipe) else "set"


def has_edges(recipe: Recipe) -> bool:
    """Whether the recipe's graph joins patches."""
    return not graph_builder(recipe).may_be_edgeless


def reads_places(recipe: Recipe) -> bool:
    """Whether graph, encoder or heads read coordinates."""
    return bool(_why_not_without(recipe))


def check_places(contest: Contest, arms: list[Arm], *, without: Sequence[str]) -> None:
    """Refuse arms that read coordinates where the features have none.

    Args:
        contest: What was asked.
        arms: Its methods.
        without: Slides without coordinates.

    Raises: RunError: naming the first, and how many.
    """
    if not without:
        return
    readers = [(arm.name, why) for arm in arms if (why := _why_not_without(arm.recipe))]
    if readers:
        name, why = readers[0]
        raise RunError(
            expected(
                f"Benchmark of '{contest.name}', method '{name}'",
                "slides with coordinates",
                f"{len(without)} without, first '{without[0]}' ({len(readers)} of {len(arms)} methods read "
                f"them: {why})",
                todo="Give features with coordinates, or set methods only.",
            )
        )


def _why_not_without(recipe: Recipe) -> str:
    """Why a recipe cannot do without coordinates; empty where it can."""
    try:
        recipe.model_copy(update={"coordinates": False}).build()
    except RecipeError as error:
        return str(error)
    return ""
