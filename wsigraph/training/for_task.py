"""Any recipe asked another question: its terms of classes become terms of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wsigraph.data.tasks.base import Task, make_task
from wsigraph.errors import RecipeError, expected
from wsigraph.training.recipe import Recipe, TermSettings


def for_task(recipe: Recipe, task: str | Mapping[str, Any] | Task, *, classes: Sequence[str] = ()) -> Recipe:
    """The recipe asked another question, everything else as it was.

    Each term that learned the old task becomes the new one's term, with the same view, head and weight;
    heads get the number of outputs that the task needs when they are built, or become the heads it needs.
    Where the term compares slides and the recipe takes them one by one, a step takes as many as is usual for
    the task; where the checkpoint rule is of classes, it becomes the validation loss.

    Args:
        recipe: Any recipe with a head.
        task: The new task, by name, with options, or itself.
        classes: Names of its classes, labels or values, in order; none for survival.

    Raises: RecipeError: if the recipe has no head, or a term has options that the new term does not take.
    """
    old, new = recipe.make_task(), make_task(task)
    if not recipe.heads:
        raise RecipeError(
            expected(
                f"Recipe '{recipe.name}'",
                "a head that can be asked",
                "none: label-free pretraining has no task",
                todo=f"Start a recipe for task '{new.name}' from its run.",
            )
        )
    values = recipe.model_dump()
    values |= {"task": new.settings(), "classes": tuple(classes) or new.own_classes}
    values["terms"] = {name: _term(name, term, old, new) for name, term in recipe.terms.items()}
    plain = {other: own for own, other in old.heads.items()}
    for head in values["heads"].values():
        head["name"] = plain.get(head["name"], head["name"])
        head["name"] = new.heads.get(head["name"], head["name"])
    if recipe.sampler.slides_per_step < new.least_slides:
        values["sampler"]["slides_per_step"] = new.usual_slides
    if recipe.checkpoint.monitor not in new.monitors:
        values["checkpoint"]["monitor"] = "val_loss"
    return Recipe.from_dict(values)


def _term(name: str, term: TermSettings, old: Task, new: Task) -> dict[str, Any]:
    """The term as it is, or the new task's in its place."""
    if term.name != old.term or old.term == new.term:
        return term.model_dump()
    left = sorted(set(term.options) - {"view", "head"})
    if left:
        raise RecipeError(
            expected(
                f"Term '{name}'",
                f"options that '{new.term}' takes as '{old.term}' does",
                f"{left}",
                todo="Ask for the task first, then change its terms.",
            )
        )
    return {**term.model_dump(), "name": new.term}
