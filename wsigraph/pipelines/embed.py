"""Slides as vectors: what a trained network pools before it answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, WsigraphError, expected
from wsigraph.io.answers import read_predictions
from wsigraph.io.atomic import read_json
from wsigraph.io.features import read_features
from wsigraph.io.features.finder import slide_name
from wsigraph.io.slide_vectors import write_slide_vectors
from wsigraph.pipelines.cards import feature_files
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.trained import TrainedModel, load_model, model_folders

TASK = "Embedding slides"
LEARNED, NEW = "train", "new"


def embed_files(
    run: str | Path, paths: Sequence[str | Path], out: str | Path, *, reporter: Reporter = Silent()
) -> tuple[list[str], dict[str, str]]:
    """Write the vector of each slide, and whether the network had learned from it.

    The column ``split`` says ``train``, ``val`` or ``test`` of slides of the run's own cohort, as the network
    knew them, and ``new`` of others: a classifier fitted on vectors of slides that the network learned from
    looks better than it is.

    Args:
        run: One fold of a run, or a run of one network.
        paths: Feature files, or folders of them.
        out: ``.h5``, or ``.h5ad`` for AnnData.
        reporter: Hears of the progress.

    Returns: The slides in order, and the reason by file for those that failed.
    Raises: RunError: if the run has several networks, or no slide could be embedded. MissingExtraError: if
        anndata is needed and not installed.
    """
    folder = _only_network(Path(run))
    model = load_model(folder)
    sides = _sides(folder, model)
    files, failed = feature_files(paths), {}
    slides: list[str] = []
    vectors: list[np.ndarray] = []
    reporter.start(TASK, len(files))
    for file in files:
        try:
            graph = model.graph(read_features(file, slide_id=slide_name(file)))
            vectors.append(model.embedding(graph).numpy())
            slides.append(slide_name(file))
        except WsigraphError as error:
            failed[str(file)] = str(error)
            reporter.say(f"'{file}' failed: {error}")
        reporter.advance(TASK)
    reporter.finish(TASK)
    if not slides:
        first = next(iter(failed.values()))
        raise RunError(expected("Embedding", "at least one usable slide", f"none of {len(failed)} ({first})"))
    columns = {"split": [sides.get(name, NEW) for name in slides]}
    facts = {"recipe": model.recipe.name, "network": str(folder)}
    write_slide_vectors(out, np.stack(vectors), slides, columns=columns, facts=facts)
    return slides, failed


def _only_network(run: Path) -> Path:
    """The folder of the only network.

    Raises: RunError: if there are several: their vectors lie in spaces of their own.
    """
    folders = model_folders(run)
    if len(folders) > 1:
        todo = f"Vectors of different folds cannot be compared: give one, such as {folders[0]}."
        raise RunError(expected(f"Run '{run}'", "one network", f"{len(folders)}", todo=todo))
    return folders[0] if folders else run


def _sides(folder: Path, model: TrainedModel) -> dict[str, str]:
    """What each slide of the run's own cohort was to this network."""
    record = next((one / "run.json" for one in folder.parents[:2] if (one / "run.json").is_file()), None)
    own = read_json(record)["data"]["slides"] if record is not None else {}
    sides = dict.fromkeys(own, LEARNED)
    answered = folder / "predictions.csv"
    if answered.is_file():
        rows = read_predictions(answered, model.recipe.make_task(), model.recipe.classes)
        sides.update({row.slide_id: row.split for row in rows})
    return sides
