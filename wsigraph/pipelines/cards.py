"""Graph cards of feature files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wsigraph.errors import FeatureFileError, RecipeError, WsigraphError, expected
from wsigraph.graph.base import GraphBuilder
from wsigraph.graph.build import to_graph
from wsigraph.io.features import finder, read_features
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.training.recipe import parse_setting

TASK = "Building graphs"


def cards(
    paths: Sequence[str | Path],
    *,
    graph: str = "knn",
    options: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Build each slide's graph and describe it.

    Args:
        paths: Feature files, or folders of them.
        graph: Name of the graph builder.
        options: Its arguments; text is read as JSON where it is JSON.
        reporter: Who hears of the progress.

    Returns: The card of each slide as plain values, and the reason by file for files that failed.
    Raises:
        FeatureFileError: if a path does not exist or a folder holds no feature file.
        RecipeError: if the builder is unknown or takes no such option.
    """
    reporter = reporter or Silent()
    builder = make_builder(graph, options or {})
    files = feature_files(paths)
    found: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    reporter.start(TASK, len(files))
    for file in files:
        try:
            card = to_graph(read_features(file), builder).card()
            found[card.slide_id] = card.to_dict()
        except WsigraphError as error:
            failed[str(file)] = str(error)
        reporter.advance(TASK)
    reporter.finish(TASK)
    return found, failed


def make_builder(name: str, options: Mapping[str, Any]) -> GraphBuilder:
    """The graph builder called ``name``.

    Raises: RecipeError: if it is unknown, takes no such option or refuses its value.
    """
    values = {key: parse_setting(value) for key, value in options.items()}
    GraphBuilder.registry.check(name, values)
    try:
        return GraphBuilder.registry.get(name)(**values)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            expected(f"Graph builder '{name}'", "valid options", f"{values} ({error})")
        ) from error


def feature_files(paths: Sequence[str | Path]) -> list[Path]:
    """Feature files among files and folders of any layout, sorted within a folder.

    Raises: FeatureFileError: if a path does not exist, or a folder holds none or several sets.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        inside = finder.files_at(path)
        if not inside or not path.exists():
            got = "nothing" if not path.exists() else "a folder without any"
            raise FeatureFileError(expected(f"Path '{path}'", "feature files", got, todo="Check the path."))
        files += inside
    return files
