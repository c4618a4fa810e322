"""What the log says of the validation slides, by task."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from wsigraph.data.tasks.base import Task
from wsigraph.evaluation.scores import quick_scores
from wsigraph.evaluation.task_summary import table_of
from wsigraph.objectives.base import Objective, Sizes
from wsigraph.objectives.head_term import HeadTerm
from wsigraph.objectives.objectives import Objectives
from wsigraph.training.recipe import Recipe

Scores = Callable[[Tensor, Tensor], dict[str, float]]


def validation_scores(recipe: Recipe, objectives: Objectives) -> Scores:
    """A function of logits ``[n, K]`` and targets ``[n]`` or ``[n, T]`` of all validation slides.

    It gives ``val_loss``: for classes the cross-entropy, else the loss of the task's own term, over all
    slides at once, so that slides which came one by one are compared; and a score or two beside it.
    """
    task = recipe.make_task()
    if task.one_class:
        return class_scores
    term = _term(task, recipe, objectives)
    if task.label_tree is not None:
        return lambda logits, target: {
            "val_loss": float(term.loss(logits, target)),
            **_finest(logits, target),
        }

    def scores(logits: Tensor, target: Tensor) -> dict[str, float]:
        row = {"val_loss": float(term.loss(logits, task.step_target(target)))}
        return row | _first_metric(task, logits, target)

    return scores


def class_scores(logits: Tensor, target: Tensor) -> dict[str, float]:
    """Cross-entropy, accuracy and AUC of classes."""
    found = quick_scores(logits.softmax(-1).numpy(), target.numpy())
    row = {"val_loss": float(torch.nn.functional.cross_entropy(logits, target))}
    row |= {f"val_{name}": value for name, value in found.items()}
    # accuracies of fewer than 100,000 slides differ by more than 1e-5, so that the AUC only decides ties
    tie = row["val_auc"] if math.isfinite(row["val_auc"]) else 0.0
    return row | {"val_accuracy_auc": row["val_accuracy"] + 1e-5 * tie}


def _term(task: Task, recipe: Recipe, objectives: Objectives) -> HeadTerm:
    """The first head's own term of the task, with its options, or a new one where it has none."""
    first = next(iter(recipe.heads))
    for term in objectives.terms.values():
        if isinstance(term, HeadTerm) and (term.name, term.head) == (task.term, first):
            return term
    sizes = Sizes(1, 1, task.num_outputs(recipe.classes), tree=task.label_tree)
    return Objective.registry.get(task.term)(sizes)


def _finest(logits: Tensor, target: Tensor) -> dict[str, float]:
    """Accuracy and AUC of the finest classes, on the slides whose finest class is known."""
    known = target[:, -1] >= 0
    if not bool(known.any()):
        return {"val_accuracy": math.nan, "val_auc": math.nan}
    found = quick_scores(logits[known].softmax(-1).numpy(), target[known, -1].long().numpy())
    return {f"val_{name}": value for name, value in found.items()}


def _first_metric(task: Task, logits: Tensor, target: Tensor) -> dict[str, float]:
    """The metric that a report begins with."""
    table = table_of(task)
    name = table.headline[0]
    rows = np.hstack([target.double().numpy(), np.zeros((len(target), 1))])  # one network answered: one fold
    value = table.overall[name].plain(rows, task.answer(logits).double().numpy())
    return {f"val_{name}": float(value)}
