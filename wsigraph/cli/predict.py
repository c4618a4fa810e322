"""``wsigraph predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_json


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder, or one of its folds.")],
    features: options.Features,
    out: Annotated[Path, typer.Option("--out", help="CSV to write.", show_default=False)],
    *,
    images: options.Images = None,
    max_nodes: Annotated[
        int,
        typer.Option(
            "--max-nodes", min=1, help="Patches above which a slide runs in tiles: same answer, less memory."
        ),
    ] = 200_000,
    json: options.Json = False,
) -> None:
    """Predict slides: the run's own out of fold, others by the mean answer of its models."""
    from wsigraph.io.answers import write_predictions
    from wsigraph.pipelines.predict import predict_files

    with ScreenReporter() as reporter:
        model, predictions, failed = predict_files(
            run, features, images=images or [], max_nodes=max_nodes, reporter=reporter
        )
    task, classes = model.recipe.make_task(), model.recipe.classes
    if predictions:
        write_predictions(out, predictions, task, classes)
    if json and task.one_class:
        rows = {one.slide_id: dict(zip(classes, one.probabilities, strict=True)) for one in predictions}
        emit_json({"out": str(out), "probabilities": rows, "failed": failed})
    elif json:
        columns = task.answer_columns(classes)
        rows = {one.slide_id: dict(zip(columns, one.values, strict=True)) for one in predictions}
        emit_json({"out": str(out), "values": rows, "failed": failed})
    else:
        emit(f"{len(predictions)} slides predicted: {out}")
    leave(len(predictions), failed, said=reporter.said)
