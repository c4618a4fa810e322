"""``wsigraph evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.join_table import show_join
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.scores import emit_scores
from wsigraph.cli.screen import emit, emit_json


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="An external cohort; without it, the run's own.")
    ] = None,
    features: Annotated[
        Path | None, typer.Option("--features", help="Feature files of the external cohort.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the external cohort's answers and report go [RUN/external]."),
    ] = None,
    images: options.Images = None,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    time_col: options.TimeCol = None,
    event_col: options.EventCol = None,
    json: options.Json = False,
) -> None:
    """Metrics with intervals, out of fold or, with a report, on an external cohort."""
    from wsigraph.pipelines.evaluate import evaluate_run, read_task

    if (manifest is None) != (features is None):
        raise typer.BadParameter("--manifest and --features belong together.")
    if manifest is None and (out is not None or images):
        raise typer.BadParameter(
            "--out and --images are of an external cohort: give --manifest and --features."
        )
    cohort = None
    if manifest is not None and features is not None:
        from wsigraph.io.cohort import Cohort
        from wsigraph.pipelines.question import reading

        asked, classes = read_task(run)
        cohort = Cohort.from_manifest(
            manifest,
            features=features,
            id_col=id_col,
            patient_col=patient_col,
            target_col=target_col,
            classes=None if asked.name == "classification" else classes,
            task=reading(asked, options.columns(target_col, time_col=time_col, event_col=event_col)),
        )
        show_join(cohort)
    with ScreenReporter() as reporter:
        metrics, failed = evaluate_run(run, cohort=cohort, images=images or [], out=out, reporter=reporter)
    if json:
        emit_json({"metrics": metrics, "failed": failed})
    else:
        emit_scores(metrics, title="out of fold" if cohort is None else "external cohort", run=run)
        if cohort is not None:
            emit(f"report: {out or run / 'external'}/report.html")
    leave(1, failed, said=reporter.said)
