"""Mine a named recipe on a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wsigraph.io.cohort import Cohort
from wsigraph.io.outline_file import read_outline_folder
from wsigraph.pipelines.cross_validate import RunResult
from wsigraph.pipelines.mine import mine
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.train import feature_width
from wsigraph.training.fit_loop import TrainerOptions
from wsigraph.training.mining.settings import mine_settings
from wsigraph.training.recipe import recipe


@dataclass(frozen=True)
class MinePlan:
    """What to mine.

    Args:
        recipe: Name of the slide classifier.
        changes: Settings of the recipe that differ from the published ones, by dotted name.
        mining: Settings of the mining that differ from those of the recipe's name.
        folds: Folds by patient, where the manifest brings no split.
        fold: Run this fold only, all if None.
        seed: Fixes every random choice.
    """

    recipe: str = "hnm"
    changes: Mapping[str, str] = field(default_factory=dict)
    mining: Mapping[str, str] = field(default_factory=dict)
    folds: int = 5
    fold: int | None = None
    seed: int = 0


def mine_manifest(
    plan: MinePlan,
    manifest: str | Path,
    *,
    features: str | Path,
    out: str | Path,
    images: Sequence[str | Path] | None = None,
    truth: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    classes: Sequence[str] | None = None,
    trainer: TrainerOptions = TrainerOptions(),
    reporter: Reporter = Silent(),
) -> RunResult:
    """Run the loop on the slides of a manifest; see ``wsigraph.pipelines.mine.mine``.

    Args:
        plan: What to mine.
        manifest: CSV or TSV; a column ``split`` of train, val and test takes the place of folds.
        features: Folder of ``<slide_id>.h5``.
        out: The run folder.
        images: Slides or images, or folders of them, for a network that reads pixels.
        truth: Folder of ``<slide_id>.geojson``.
        columns: ``id_col``, ``patient_col`` and ``target_col`` of the manifest.
        classes: Class names, the background of two first; sorted names of the manifest where not given.
        trainer: Device, workers, precision.
        reporter: Hears of the progress.

    Raises: CohortError, RecipeError, RunError: as ``mine`` and ``Cohort.from_manifest``.
    """
    settings = mine_settings(plan.recipe, plan.mining)
    outlines = None if truth is None else read_outline_folder(truth)
    cohort = Cohort.from_manifest(manifest, features=features, classes=classes, **(columns or {}))
    method = recipe(plan.recipe, in_channels=feature_width(cohort), classes=cohort.classes)
    if plan.changes:
        method = method.with_settings(plan.changes)
    return mine(
        method,
        cohort,
        out=out,
        settings=settings,
        folds=plan.folds,
        fold=plan.fold,
        seed=plan.seed,
        images=images or None,
        truth=outlines,
        trainer=trainer,
        reporter=reporter,
    )
