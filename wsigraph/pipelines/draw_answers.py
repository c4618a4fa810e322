"""What a run answered, as a picture that suits its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.data.estimate import Estimate
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.data.tasks.regression import Regression
from wsigraph.data.tasks.survival import Survival
from wsigraph.evaluation.estimates import scored_estimates
from wsigraph.evaluation.kaplan_meier import halves_by_risk
from wsigraph.evaluation.tree_confusion import tree_confusion
from wsigraph.io.confusion_png import write_confusion
from wsigraph.io.report.sections import Picture
from wsigraph.io.scatter_png import write_scatter
from wsigraph.io.survival_png import write_survival
from wsigraph.io.tree_confusion_png import write_tree_confusion
from wsigraph.training.recipe import Recipe


def draw_answers(
    out: Path, tested: Sequence[Any], metrics: Mapping[str, Any], *, recipe: Recipe
) -> list[Picture]:
    """Draw into the run folder and say what is seen: a confusion matrix of classes, points of numbers, curves
    of survival; nothing for several labels.

    Args:
        out: The run folder.
        tested: Rows of held-out slides.
        metrics: What ``summarise_task`` found.
        recipe: What was trained.
    """
    task = recipe.make_task()
    if task.one_class:
        write_confusion(out / "confusion.png", metrics["confusion"], recipe.classes, title=recipe.name)
        said = "Confusion matrix of the held-out slides, summed over repeats."
        return [Picture(out / "confusion.png", said)]
    if isinstance(task, Hierarchy):
        found = tree_confusion(np.array(metrics["confusion"]), task.label_tree)
        write_tree_confusion(out / "confusion.png", found, title=recipe.name)
        said = (
            "Confusion matrix of the held-out slides whose finest class is known, grouped by the label tree, "
            "summed over repeats. An answer is one line of the tree."
        )
        return [Picture(out / "confusion.png", said)]
    if isinstance(task, Regression):
        _draw_values(out / "values.png", scored_estimates(tested), recipe)
        said = "Held-out slides, answered against true; on the line an answer is right."
        return [Picture(out / "values.png", said)]
    if isinstance(task, Survival):
        _draw_survival(out / "survival.png", scored_estimates(tested), recipe)
        said = (
            "Held-out slides of the first repeat in two halves by their risk, each fold halved by itself: "
            "Kaplan-Meier curves."
        )
        return [Picture(out / "survival.png", said)]
    return []


def _draw_values(path: Path, rows: Sequence[Estimate], recipe: Recipe) -> None:
    truth, answer = np.array([row.target for row in rows]), np.array([row.values for row in rows])
    values = {name: (truth[:, k], answer[:, k]) for k, name in enumerate(recipe.classes)}
    write_scatter(path, values, title=recipe.name)


def _draw_survival(path: Path, rows: Sequence[Estimate], recipe: Recipe) -> None:
    first = [row for row in rows if row.repeat == min(other.repeat for other in rows)]
    truth = np.array([row.target for row in first])
    risk = np.array([row.values[0] for row in first])
    high = halves_by_risk(risk, np.array([row.fold for row in first]))
    groups = {
        "smaller risk": (truth[~high, 0], truth[~high, 1]),
        "larger risk": (truth[high, 0], truth[high, 1]),
    }
    write_survival(path, groups, title=recipe.name)
