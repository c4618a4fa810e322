"""Cross-validate a named recipe on a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wsigraph.errors import CohortError, WsigraphError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features
from wsigraph.pipelines.cross_validate import RunResult, cross_validate
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import recipe


@dataclass(frozen=True)
class TrainPlan:
    """What to train and how often.

    Args:
        recipe: Name of the recipe.
        changes: Settings of the recipe that differ from the published ones, by dotted name.
        folds: Folds per repeat.
        repeats: Whole cross-validations.
        fold: Train this fold only, all if None.
        seed: Fixes every random choice.
    """

    recipe: str = "srmil"
    changes: Mapping[str, str] = field(default_factory=dict)
    folds: int = 5
    repeats: int = 1
    fold: int | None = None
    seed: int = 0


def train_cohort(
    plan: TrainPlan,
    cohort: Cohort,
    *,
    out: str | Path,
    trainer: TrainerOptions | None = None,
    reporter: Reporter | None = None,
) -> RunResult:
    """Cross-validate ``plan`` on ``cohort``; the feature width is read from the files.

    Raises: CohortError: if no feature file can be read, or all slides have one label. RecipeError: if a
        setting does not exist.
    """
    if len(cohort.classes) < 2:
        raise CohortError(
            expected(
                "Cohort",
                "at least 2 classes to tell apart",
                f"{len(cohort)} slides all labelled '{cohort.classes[0]}'",
                todo="Check --target-col.",
            )
        )
    method = recipe(plan.recipe, in_channels=feature_width(cohort), classes=cohort.classes)
    return cross_validate(
        method.with_settings(plan.changes) if plan.changes else method,
        cohort,
        folds=plan.folds,
        repeats=plan.repeats,
        fold=plan.fold,
        seed=plan.seed,
        out=out,
        trainer=trainer or TrainerOptions(),
        reporter=reporter or Silent(),
    )


def feature_width(cohort: Cohort) -> int:
    """Channels of the first slide that can be read.

    Raises: CohortError: if none can; the message holds the first reason.
    """
    reasons = []
    for slide in cohort.slides:
        try:
            return read_features(slide.path).x.shape[1]
        except WsigraphError as error:
            reasons.append(str(error))
    first = reasons[0] if reasons else "the cohort is empty"
    raise CohortError(expected("Cohort", "at least one readable feature file", f"none ({first})"))
