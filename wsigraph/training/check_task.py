"""What a recipe's task asks of its other parts, refused when the recipe is built."""

from __future__ import annotations

from wsigraph.data.tasks.base import Task
from wsigraph.errors import RecipeError, expected
from wsigraph.models.mil_model import MILModel
from wsigraph.objectives.base import Objective
from wsigraph.objectives.objectives import Objectives
from wsigraph.training.recipe import Recipe
from wsigraph.training.samplers.base import SlideSampler


def check_task(recipe: Recipe, model: MILModel, objectives: Objectives, sampler: SlideSampler) -> None:
    """Refuse heads, terms, steps and checkpoint rules that cannot serve the task.

    Raises: RecipeError: naming what does not fit.
    """
    if not recipe.heads:
        return
    task, where = recipe.make_task(), f"Recipe '{recipe.name}', task '{recipe.task.name}'"
    for name, head in model.heads.items():
        _check_head(task, name, ordered=bool(head.ordered), where=where)
    for name, term in objectives.terms.items():
        _check_term(task, name, term, recipe, where=where)  # type: ignore[arg-type]
    if recipe.sampler.slides_per_step < task.least_slides:
        raise RecipeError(
            expected(
                where,
                f"at least {task.least_slides} slides per step, because slides are compared within it",
                f"sampler.slides_per_step {recipe.sampler.slides_per_step}",
                todo=f"Take more: --set sampler.slides_per_step={task.usual_slides}.",
            )
        )
    if sampler.reads_classes and not task.one_class and task.label_tree is None:
        raise RecipeError(expected(where, "a sampler that reads no classes", f"'{sampler.name}'"))
    if recipe.checkpoint.monitor not in task.monitors:
        raise RecipeError(
            expected(where, f"a checkpoint rule of {list(task.monitors)}", f"'{recipe.checkpoint.monitor}'")
        )


def _check_head(task: Task, name: str, *, ordered: bool, where: str) -> None:
    if task.ordered and not ordered:
        raise RecipeError(
            expected(
                where,
                f"head '{name}' to have ordered thresholds",
                "one that has none",
                todo=f"Heads that have: {sorted(task.heads.values())}.",
            )
        )
    if ordered and not task.one_class:
        raise RecipeError(
            expected(where, f"head '{name}' to give scores", "log probabilities of ordered classes")
        )


def _check_term(task: Task, name: str, term: Objective, recipe: Recipe, *, where: str) -> None:
    if term.tasks is not None and task.name not in term.tasks and term.name != task.term:
        replaced = term.name == "cross_entropy"
        raise RecipeError(
            expected(
                where,
                "terms that can read its targets",
                f"term '{name}' ({term.name}), which reads those of {sorted(term.tasks)}",
                todo=f"Ask recipe.for_task('{task.name}')." if replaced else "Leave the term out.",
            )
        )
    if recipe.sampler.slides_per_step < term.least_slides:
        raise RecipeError(
            expected(
                where,
                f"at least {term.least_slides} slides per step for term '{name}', which compares them",
                f"sampler.slides_per_step {recipe.sampler.slides_per_step}",
                todo="Set sampler.name=pairs and sampler.slides_per_step=2, or leave the term out.",
            )
        )
    outputs = task.num_outputs(recipe.classes)
    if term.num_outputs is not None and term.num_outputs != outputs:
        raise RecipeError(expected(where, f"terms of {outputs} outputs", f"'{name}' of {term.num_outputs}"))
