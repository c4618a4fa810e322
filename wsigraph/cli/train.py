"""``wsigraph train``."""

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


def train(
    manifest: Annotated[
        Path, typer.Argument(help="CSV or TSV with slide_id, patient_id and label, or what the task reads.")
    ],
    *,
    features: options.FeatureDir,
    out: options.OutDir,
    recipe: Annotated[str, typer.Option("--recipe", help="A method, see 'wsigraph models'.")] = "srmil",
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds", min=2, help="Folds, grouped by patient [5; none for label-free pretraining]."
        ),
    ] = None,
    fold: Annotated[
        int | None, typer.Option("--fold", min=0, help="Train this fold only; 'wsigraph merge' joins them.")
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Whole cross-validations.")] = 1,
    splits: Annotated[
        Path | None,
        typer.Option(
            "--splits", help="Use these: a folder of 'wsigraph splits' or of CLAM, or Patho-Bench's table."
        ),
    ] = None,
    seed: options.Seed = 0,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: optimiser.lr=1e-3.")
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            "--start-from", help="Start from the weights of a finished run, such as a pretrained one."
        ),
    ] = None,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    task: options.TaskName = "classification",
    tree: options.Tree = None,
    time_col: options.TimeCol = None,
    event_col: options.EventCol = None,
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes", help="Classes in the order of the outputs: low,medium,high (sorted if not given)."
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that load graphs.")] = 0,
    precision: Annotated[str, typer.Option("--precision", help="32 or bf16.")] = "32",
    save_memory: Annotated[
        bool, typer.Option("--save-memory", help="Less memory, more time: recompute in the backward pass.")
    ] = False,
    cache_gb: Annotated[
        float,
        typer.Option("--cache-gb", min=0, help="Memory for graphs; those beyond are read every epoch."),
    ] = 4.0,
    json: options.Json = False,
) -> None:
    """Cross-validate a recipe on a cohort; interrupted runs go on where they stopped."""
    changes = options.changes(change or [])
    if splits is not None and (folds is not None or repeats > 1):
        raise typer.BadParameter("--splits brings its own folds: leave out --folds and --repeats.")
    from wsigraph.pipelines.question import question
    from wsigraph.pipelines.train import TrainPlan, read_cohort, train_cohort
    from wsigraph.training.fit_loop import TrainerOptions

    columns = options.columns(target_col, time_col=time_col, event_col=event_col)
    asked = question(recipe, task, tree=tree, manifest=manifest, columns=columns)
    plan = TrainPlan(
        recipe,
        changes,
        folds=folds,
        repeats=repeats,
        fold=fold,
        seed=seed,
        start_from=start_from,
        task=asked,
        splits=splits,
    )
    cohort = read_cohort(
        plan,
        manifest,
        features=features,
        id_col=id_col,
        patient_col=patient_col,
        target_col=target_col,
        classes=options.names(classes),
    )
    show_join(cohort)
    trainer = TrainerOptions(device, workers, precision, save_memory=save_memory, cache_gb=cache_gb)
    with ScreenReporter() as reporter:
        result = train_cohort(plan, cohort, out=out, trainer=trainer, reporter=reporter)
    if json:
        joined = cohort.join.counts if cohort.join else {}
        emit_json(
            {
                "run": str(result.path),
                "metrics": result.metrics,
                "failed": result.failed,
                "joined": joined,
            }
        )
    elif not result.metrics and fold is None:
        emit(f"pretrained: {result.path}. Start from it: wsigraph train ... --start-from {result.path}")
    elif not result.metrics:
        emit(f"fold {fold} done: {result.path}. Join all folds with: wsigraph merge RUN... --out DIR")
    else:
        emit_scores(result.metrics, title=f"{recipe}, out of fold", run=result.path)
    leave(1, result.failed, said=reporter.said)
