"""``wsigraph probe``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.join_table import show_join
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.scores import emit_scores
from wsigraph.cli.screen import emit_json


def probe(
    manifest: Annotated[Path, typer.Argument(help="CSV or TSV with slide_id, patient_id and label.")],
    *,
    features: Annotated[
        Path, typer.Option("--features", help="Folder of one vector per slide.", show_default=False)
    ],
    out: options.OutDir,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Folds, grouped by patient.")] = 5,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Whole cross-validations.")] = 1,
    seed: options.Seed = 0,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    json: options.Json = False,
) -> None:
    """Logistic regression on slide-level features (slide_features_*), in the folds that train draws."""
    from wsigraph.io.cohort import Cohort
    from wsigraph.pipelines.probe import probe_cohort

    cohort = Cohort.from_manifest(
        manifest, features=features, id_col=id_col, patient_col=patient_col, target_col=target_col
    )
    show_join(cohort)
    with ScreenReporter() as reporter:
        result = probe_cohort(cohort, out=out, folds=folds, repeats=repeats, seed=seed, reporter=reporter)
    if json:
        emit_json({"run": str(result.path), "metrics": result.metrics, "failed": result.failed})
    else:
        emit_scores(result.metrics, title="logistic probe, out of fold", run=result.path)
    leave(1, result.failed, said=reporter.said)
