"""Answers for slides a run has never seen, or out-of-fold ones for its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wsigraph.errors import RunError, WsigraphError, expected
from wsigraph.io.answers import read_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.features import read_features
from wsigraph.io.features.finder import files_at, slide_name
from wsigraph.models.tiled import MAX_NODES
from wsigraph.pipelines.mine_stages import CHOSEN
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.slides import images_by_slide
from wsigraph.pipelines.trained import TrainedModel, load_model, model_folders, predict

if TYPE_CHECKING:
    from wsigraph.pipelines.mine_predict import MinedModel

__all__ = ["TrainedModel", "load_model", "load_run", "model_for", "predict", "predict_files"]

OUT_OF_FOLD = ("cross_validation", "mining")
"""Kinds of runs that answer slides of their own by a network that never saw them."""


def predict_files(
    run: str | Path,
    paths: Sequence[str | Path],
    *,
    images: Sequence[str | Path] = (),
    max_nodes: int = MAX_NODES,
    reporter: Reporter = Silent(),
) -> tuple[TrainedModel | MinedModel, list[Any], dict[str, str]]:
    """Predict feature files.

    A slide the run was cross-validated on is answered by the fold that tested it, others by the mean
    answer of all folds. A bad file is named and the rest goes on.

    Args:
        run: A run folder, or one fold of it.
        paths: Feature files, or folders of them; for a mined run those of the first encoder.
        images: Slides or images, or folders of them, for a run that was fine-tuned on pixels.
        max_nodes: Patches above which a slide runs in tiles: the same answer in less memory.
        reporter: Hears of the progress.

    Returns: The model, one row per slide (``Prediction`` of classes, else ``Estimate``), and the reason by
        file for files that failed.
    Raises: RunError: if there is no finished model, or there are images and nothing reads them.
    """
    files = [file for path in paths for file in files_at(path)]
    whole = load_run(run, images_by_slide(images) if images else {})
    if images and not whole.reads_pixels:
        raise RunError(expected(f"Run '{run}'", "no images, for it reads features", "some"))
    task, failed = whole.recipe.make_task(), {}
    rows: list[Any] = []
    reporter.start("Predicting", len(files))
    for file in files:
        try:
            features = read_features(file, slide_id=slide_name(file))  # the name a cohort knows it by
            model, repeat, fold, split = model_for(run, features.slide_id, whole)
            answer = model.of_slide(features, max_nodes=max_nodes)
            row = task.prediction(features.slide_id, features.slide_id, values=answer.values)
            rows.append(replace(row, repeat=repeat, fold=fold, split=split))
        except WsigraphError as error:
            failed[str(file)] = str(error)
            reporter.say(f"'{file}' failed: {error}")
        reporter.advance("Predicting")
    reporter.finish("Predicting")
    return whole, rows, failed


def load_run(run: str | Path, images: Mapping[str, Path] = MappingProxyType({})) -> TrainedModel | MinedModel:
    """Load what answers slides: a run of ``wsigraph train`` or of ``wsigraph mine``, or one fold of it.

    Args:
        run: The folder.
        images: The slides themselves by slide id, for a run that was fine-tuned on pixels.

    Raises: RunError: if there is no finished model.
    """
    run = Path(run)
    if any((folder / CHOSEN).is_file() for folder in (run, *model_folders(run))):
        from wsigraph.pipelines.mine_predict import load_mined

        return load_mined(run, images)
    return load_model(run)


def model_for(
    run: str | Path, slide_id: str, whole: TrainedModel | MinedModel
) -> tuple[TrainedModel | MinedModel, int, int, str]:
    """The networks that may answer for a slide: out of fold for the run's own slides.

    Returns: The model, the repeat and fold it comes from (0 and -1 for the mean of all folds), and the split.
    """
    run = Path(run)
    if not (run / "run.json").is_file():
        return whole, 0, 0, "external"
    record = read_json(run / "run.json")
    if slide_id not in record["data"]["slides"] or record["plan"]["kind"] not in OUT_OF_FOLD:
        return whole, 0, -1, "external"
    for place, folder in enumerate(model_folders(run)):
        if not (folder / "predictions.csv").is_file():
            continue
        rows = read_predictions(folder / "predictions.csv", whole.recipe.make_task(), whole.recipe.classes)
        for row in rows:
            if row.slide_id == slide_id and row.split == "test":
                return whole.of_fold(place), row.repeat, row.fold, "test"
    return whole, 0, -1, "external"
