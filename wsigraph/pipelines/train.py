"""Cross-validate a named recipe on a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wsigraph.data.tasks.base import Task, make_task
from wsigraph.errors import CohortError, RecipeError, WsigraphError, expected
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import read_features
from wsigraph.pipelines.cross_validate import RunResult, cross_validate
from wsigraph.pipelines.fit import fit
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.recipe import parse_setting, recipe

_TASK = "task."

USUAL_FOLDS = 5
"""Folds where none are asked for."""


@dataclass(frozen=True)
class TrainPlan:
    """What to train and how often.

    Args:
        recipe: Name of the recipe.
        changes: Settings of the recipe that differ from the published ones, by dotted name.
        folds: Folds per repeat; where None, 5 for a classifier, and none for label-free pretraining: one
            network on all slides.
        repeats: Whole cross-validations.
        fold: Train this fold only, all if None.
        seed: Fixes every random choice.
        start_from: A finished run whose weights it starts from.
        task: What is asked, by name, with its options, or itself; ``changes`` of ``task.<option>`` add to it.
        splits: File or folder of splits to use in place of drawn folds.
    """

    recipe: str = "srmil"
    changes: Mapping[str, str] = field(default_factory=dict)
    folds: int | None = None
    repeats: int = 1
    fold: int | None = None
    seed: int = 0
    start_from: str | Path | None = None
    task: str | Mapping[str, Any] | Task = "classification"
    splits: str | Path | None = None

    @property
    def question(self) -> Task:
        """The task with the changes that are meant for it.

        Raises: RecipeError: if there is no such task or option.
        """
        own = make_task(self.task)
        told = {
            path.removeprefix(_TASK): parse_setting(value)
            for path, value in self.changes.items()
            if path.startswith(_TASK)
        }
        Task.registry.check(own.name, told)
        return replace(own, **told)

    @property
    def settings(self) -> dict[str, str]:
        """The changes that are not of the task."""
        return {path: value for path, value in self.changes.items() if not path.startswith(_TASK)}

    @property
    def pretrains(self) -> bool:
        """Whether one network is to be trained on all slides, without labels."""
        heads = recipe(self.recipe, in_channels=1, classes=("a", "b")).heads
        return not heads and self.folds is None and self.splits is None


def read_cohort(
    plan: TrainPlan,
    manifest: str | Path,
    *,
    features: str | Path,
    id_col: str = "slide_id",
    patient_col: str = "patient_id",
    target_col: str = "label",
    classes: Sequence[str] | None = None,
) -> Cohort:
    """The slides of a manifest; labels are read unless the plan has no use for them.

    Raises: CohortError: as ``Cohort.from_manifest`` does. RecipeError: if the plan's task cannot be.
    """
    return Cohort.from_manifest(
        manifest,
        features=features,
        id_col=id_col,
        patient_col=patient_col,
        target_col=None if plan.pretrains else target_col,
        classes=classes,
        task=plan.question,
    )


def train_cohort(
    plan: TrainPlan,
    cohort: Cohort,
    *,
    out: str | Path,
    trainer: TrainerOptions | None = None,
    reporter: Reporter | None = None,
) -> RunResult:
    """Cross-validate ``plan`` on ``cohort``, or pretrain on it; the feature width is read from the files.

    Raises: CohortError: if no feature file can be read, or all slides have one label. RecipeError: if a
        setting does not exist.
    """
    if plan.pretrains:
        return _pretrain(plan, cohort, out, trainer or TrainerOptions(), reporter=reporter or Silent())
    if cohort.task.one_class and len(cohort.classes) < 2:
        raise CohortError(
            expected(
                "Cohort",
                "at least 2 classes to tell apart",
                f"{len(cohort)} slides all labelled '{''.join(cohort.classes)}'",
                todo="Check --target-col.",
            )
        )
    method = recipe(plan.recipe, in_channels=feature_width(cohort), classes=cohort.classes, task=cohort.task)
    return cross_validate(
        method.with_settings(plan.settings) if plan.settings else method,
        cohort,
        folds=plan.folds or USUAL_FOLDS,
        repeats=plan.repeats,
        fold=plan.fold,
        seed=plan.seed,
        out=out,
        start_from=plan.start_from,
        trainer=trainer or TrainerOptions(),
        reporter=reporter or Silent(),
        splits=plan.splits,
    )


def _pretrain(
    plan: TrainPlan, cohort: Cohort, out: str | Path, trainer: TrainerOptions, *, reporter: Reporter
) -> RunResult:
    if plan.fold is not None or plan.repeats != 1:
        raise RecipeError(
            expected(
                f"Recipe '{plan.recipe}'",
                "--folds beside --fold or --repeats",
                "none",
                todo="Without --folds, one network is pretrained on all slides.",
            )
        )
    if plan.question.name != "classification":
        raise RecipeError(
            expected(
                f"Recipe '{plan.recipe}'",
                "no --task",
                f"'{plan.question.name}'",
                todo="Label-free pretraining asks nothing; a recipe that starts from it may.",
            )
        )
    method = recipe(plan.recipe, in_channels=feature_width(cohort))
    return fit(
        method.with_settings(plan.settings) if plan.settings else method,
        train=cohort,
        out=out,
        seed=plan.seed,
        start_from=plan.start_from,
        trainer=trainer,
        reporter=reporter,
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
