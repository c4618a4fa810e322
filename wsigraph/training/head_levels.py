"""Which level of a label tree each head of a recipe answers."""

from __future__ import annotations

from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import LabelTreeError, RecipeError, expected
from wsigraph.training.recipe import PartSettings, Recipe

LEVEL = "level"
"""Option of every head, read by the recipe: it decides how many outputs the head gets."""


def head_levels(recipe: Recipe) -> dict[str, int]:
    """Level of each head, 0 the coarsest; the finest where a head names none. Empty where there is no tree.

    Raises: RecipeError: if a level does not exist, there is no tree, or the first head, whose answer is the
        slide's, does not answer the finest level.
    """
    tree = recipe.make_task().label_tree
    levels = {name: _level(recipe, name, part, tree) for name, part in recipe.heads.items()}
    if tree is None:
        return {}
    first = next(iter(levels), None)
    if first is not None and levels[first] != tree.num_levels - 1:
        raise RecipeError(
            expected(
                f"Recipe '{recipe.name}'",
                f"its first head to answer the finest level, '{tree.levels[-1]}'",
                f"head '{first}', which answers '{tree.levels[levels[first]]}'",
                todo="Put the finest head first.",
            )
        )
    return levels


def without_level(part: PartSettings) -> PartSettings:
    """The settings of a head as its class takes them."""
    return PartSettings(name=part.name, **{k: v for k, v in part.options.items() if k != LEVEL})


def _level(recipe: Recipe, name: str, part: PartSettings, tree: LabelTree | None) -> int:
    where = f"Recipe '{recipe.name}', head '{name}'"
    if LEVEL not in part.options:
        return -1 if tree is None else tree.num_levels - 1
    if tree is None:
        what = f"no level, because task '{recipe.task.name}' has no label tree"
        todo = "Ask for the task 'hierarchy' with its tree."
        raise RecipeError(expected(where, what, f"level {part.options[LEVEL]!r}", todo=todo))
    try:
        return tree.level(part.options[LEVEL])
    except LabelTreeError as error:
        raise RecipeError(f"{where}: {error}") from error
