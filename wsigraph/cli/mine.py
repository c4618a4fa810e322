"""``wsigraph mine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.scores import emit_scores
from wsigraph.cli.screen import emit, emit_json


def mine(
    manifest: Annotated[
        Path,
        typer.Argument(help="CSV or TSV with slide_id, patient_id, label and, for a given split, split."),
    ],
    *,
    features: options.FeatureDir,
    out: options.OutDir,
    recipe: Annotated[
        str,
        typer.Option("--recipe", help="Slide classifier: hnm, hnm_code, its2clr, or any with max_instance."),
    ] = "hnm",
    images: Annotated[
        list[Path] | None,
        typer.Option("--images", help="Slides or images, found by slide id: fine-tune on their pixels."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth", help="Folder of <slide_id>.geojson, to score patches of test slides and draw maps."
        ),
    ] = None,
    mining: Annotated[
        list[str] | None,
        typer.Option(
            "--mine", help="Change the mining: ratio=0.2, rounds=6, network=resnet18, network.width=16."
        ),
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe: optimiser.lr=1e-3.")
    ] = None,
    folds: Annotated[
        int, typer.Option("--folds", min=2, help="Folds by patient, where the manifest brings no split.")
    ] = 5,
    fold: Annotated[
        int | None, typer.Option("--fold", min=0, help="Run this fold only; the whole job then joins them.")
    ] = None,
    seed: options.Seed = 0,
    id_col: options.IdCol = "slide_id",
    patient_col: options.PatientCol = "patient_id",
    target_col: options.TargetCol = "label",
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            help="Classes in order, the background of two first: normal,tumour (sorted if not given).",
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that load graphs.")] = 0,
    json: options.Json = False,
) -> None:
    """Fine-tune a patch encoder on hard negatives, round by round, and classify slides by it."""
    from wsigraph.pipelines.mine_cohort import MinePlan, mine_manifest
    from wsigraph.training.fit_loop import TrainerOptions

    plan = MinePlan(
        recipe,
        options.changes(change or []),
        options.changes(mining or [], option="--mine"),
        folds,
        fold,
        seed,
    )
    with ScreenReporter() as reporter:
        result = mine_manifest(
            plan,
            manifest,
            features=features,
            images=images,
            truth=truth,
            columns={"id_col": id_col, "patient_col": patient_col, "target_col": target_col},
            classes=options.names(classes),
            out=out,
            trainer=TrainerOptions(device=device, workers=workers),
            reporter=reporter,
        )
    if json:
        emit_json({"run": str(result.path), "metrics": result.metrics, "failed": result.failed})
    elif not result.metrics:
        emit(f"fold {fold} done: {result.path}. Run without --fold, into the same folder, to join all folds.")
    else:
        emit_scores(result.metrics, title=f"{recipe} with mining, out of fold", run=result.path)
    leave(1, result.failed, said=reporter.said)
