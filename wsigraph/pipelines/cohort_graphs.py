"""Before anything trains: every slide read once, bad ones named, recipe and data made to agree."""

from __future__ import annotations

from dataclasses import replace

from wsigraph.errors import CohortError, RecipeError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.graph_store import GraphStore
from wsigraph.pipelines.reporter import Reporter
from wsigraph.training.build import graph_builder
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import FeatureSettings, Recipe

SYNTHETIC = "synthetic"
"""Encoder of the features that ``wsigraph.synthetic`` makes up."""

MADE_UP = "The features are synthetic: these numbers say nothing of real slides."


def prepare(
    recipe: Recipe, cohort: Cohort, reporter: Reporter, *, cache_gb: float = TrainerOptions.cache_gb
) -> tuple[Recipe, Cohort, GraphStore]:
    """Scan a cohort; graphs are kept in memory up to ``cache_gb`` gigabytes.

    Returns: The recipe with the encoding of its features and what its task shares over the cohort, the cohort
        less its bad slides, and the graphs.
    Raises: CohortError: if no slide can be used, or a classifier is to learn from a cohort without labels.
        RecipeError: if tasks or classes disagree.
    """
    check_question(recipe, cohort)
    budget = int(cache_gb * 1e9)
    store = GraphStore(graph_builder(recipe), recipe.self_loops, recipe.in_channels, budget)
    reporter.start("Reading features, building graphs", len(cohort))
    failed = store.scan(cohort, listen=lambda _: reporter.advance("Reading features, building graphs"))
    reporter.finish("Reading features, building graphs")
    for slide, reason in failed.items():
        reporter.say(f"slide '{slide}' left out: {reason}")
    cohort = cohort.without(failed)
    if not cohort.slides:
        first = next(iter(failed.values()))
        raise CohortError(expected("Cohort", "at least one usable slide", f"none of {len(failed)} ({first})"))
    encoder, patch_px, mpp = store.common_encoding(cohort.slides)
    if encoder == SYNTHETIC:
        cohort = replace(cohort, notes=(*cohort.notes, MADE_UP))
    for note in cohort.notes:
        reporter.say(f"note: {note}")
    found = FeatureSettings(encoder=encoder, patch_px=patch_px, target_mpp=mpp)
    if recipe.features != FeatureSettings() and recipe.features != found:
        raise RecipeError(expected(f"Recipe '{recipe.name}'", f"features {recipe.features}", f"{found}"))
    if recipe.classifies:
        recipe = recipe.knowing(recipe.make_task().for_cohort(cohort.targets))
    return recipe.model_copy(update={"features": found}), cohort, store


def check_question(recipe: Recipe, cohort: Cohort) -> None:
    """Refuse a recipe with heads for a cohort that was read for another task or with other names.

    Raises: CohortError: if the cohort has no labels. RecipeError: if tasks or classes disagree.
    """
    if not recipe.classifies:
        return
    task, where = recipe.make_task(), f"Recipe '{recipe.name}'"
    unread = not cohort.classes if task.of_classes else not all(slide.target for slide in cohort.slides)
    if task.name == cohort.task.name and unread:
        raise CohortError(
            expected(
                where,
                "a cohort with labels",
                f"{len(cohort)} slides read without",
                todo="Name the column of labels, or pretrain with a recipe without heads.",
            )
        )
    if task.name != cohort.task.name:
        raise RecipeError(
            expected(
                where,
                f"a cohort read for task '{task.name}'",
                f"one read for '{cohort.task.name}'",
                todo=f"Read it so: Cohort.from_manifest(..., task='{task.name}').",
            )
        )
    if task.label_tree != cohort.task.label_tree:
        todo = "Give recipe and cohort the same task."
        raise RecipeError(expected(where, "a cohort read over the same label tree", "another", todo=todo))
    if tuple(recipe.classes) != tuple(cohort.classes):
        raise RecipeError(
            expected(where, f"the cohort's classes {list(cohort.classes)}", f"{list(recipe.classes)}")
        )
