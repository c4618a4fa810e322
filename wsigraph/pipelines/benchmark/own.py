"""A contest on a user's own cohort: does space help here?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wsigraph.io.cohort import Cohort
from wsigraph.io.ids import check_id
from wsigraph.io.splits import SplitSet
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.train import feature_width
from wsigraph.training.recipe import recipe

RECIPES = ("mean_pool", "max_pool", "abmil", "gin", "gat", "srmil")
"""Three set and three graph methods; the graph methods end in the gated attention of ``abmil``."""


def own_contest(
    name: str,
    cohort: Cohort,
    *,
    recipes: Sequence[str] = RECIPES,
    changes: Mapping[str, Any] | None = None,
    folds: int = 5,
    splits: SplitSet | None = None,
) -> Contest:
    """Set and graph methods on one cohort, each as published but for ``changes``.

    Args:
        name: What results call the cohort.
        cohort: Its slides, read for the task that is asked.
        recipes: Names of methods.
        changes: Settings changed in all of them.
        folds: Grouped by patient, drawn anew for each seed, where no splits are given.
        splits: Official ones.

    Raises: CohortError: if no slide can be read. UnknownPartError, RecipeError: if a recipe is none, or does
        not fit the task.
    """
    check_id(name, where="Benchmark name")
    width, task = feature_width(cohort), cohort.task.settings()
    made = {
        one: recipe(one, in_channels=width, classes=cohort.classes, task=task).with_settings(changes or {})
        for one in dict.fromkeys(recipes)
    }
    return Contest(name, cohort, made, folds=folds, splits=splits)
