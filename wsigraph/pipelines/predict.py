"""Answers for slides a run has never seen, or out-of-fold ones for its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wsigraph.errors import WsigraphError
from wsigraph.io.answers import read_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.features import read_features
from wsigraph.models.tiled import MAX_NODES
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.trained import TrainedModel, load_model, model_folders, predict

__all__ = ["TrainedModel", "load_model", "model_for", "predict", "predict_files"]


def predict_files(
    run: str | Path,
    paths: Sequence[str | Path],
    *,
    max_nodes: int = MAX_NODES,
    reporter: Reporter = Silent(),
) -> tuple[TrainedModel, list[Any], dict[str, str]]:
    """Predict feature files.

    A slide the run was cross-validated on is answered by the fold that tested it, others by the mean
    answer of all folds. A bad file is named and the rest goes on.

    Args:
        run: A run folder, or one fold of it.
        paths: Feature files, or folders of them.
        max_nodes: Patches above which a slide runs in tiles: the same answer in less memory.
        reporter: Hears of the progress.

    Returns: The model, one row per slide (``Prediction`` of classes, else ``Estimate``), and the reason by
        file for files that failed.
    """
    files = [
        file for path in map(Path, paths) for file in (sorted(path.glob("*.h5")) if path.is_dir() else [path])
    ]
    whole = load_model(run)
    task, failed = whole.recipe.make_task(), {}
    rows: list[Any] = []
    reporter.start("Predicting", len(files))
    for file in files:
        try:
            features = read_features(file, slide_id=file.stem)  # the name a cohort knows it by
            model, repeat, fold, split = model_for(run, features.slide_id, whole)
            answer = model.answer(model.graph(features), max_nodes=max_nodes)
            row = task.prediction(features.slide_id, features.slide_id, values=answer.values)
            rows.append(replace(row, repeat=repeat, fold=fold, split=split))
        except WsigraphError as error:
            failed[str(file)] = str(error)
            reporter.say(f"'{file}' failed: {error}")
        reporter.advance("Predicting")
    reporter.finish("Predicting")
    return whole, rows, failed


def model_for(run: str | Path, slide_id: str, whole: TrainedModel) -> tuple[TrainedModel, int, int, str]:
    """The networks that may answer for a slide: out of fold for the run's own slides.

    Returns: The model, the repeat and fold it comes from (0 and -1 for the mean of all folds), and the split.
    """
    run = Path(run)
    if not (run / "run.json").is_file():
        return whole, 0, 0, "external"
    record = read_json(run / "run.json")
    if slide_id not in record["data"]["slides"] or record["plan"]["kind"] != "cross_validation":
        return whole, 0, -1, "external"
    for folder in model_folders(run):
        if not (folder / "predictions.csv").is_file():
            continue
        rows = read_predictions(folder / "predictions.csv", whole.recipe.make_task(), whole.recipe.classes)
        for row in rows:
            if row.slide_id == slide_id and row.split == "test":
                return load_model(folder), row.repeat, row.fold, "test"
    return whole, 0, -1, "external"
