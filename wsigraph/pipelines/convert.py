"""Feature files become graphs in the files of other tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import FeatureFileError, MissingExtraError, RecipeError, WsigraphError, expected
from wsigraph.evaluation.heatmap import neighbours_heatmap
from wsigraph.graph.build import to_graph
from wsigraph.io.anndata_file import write_anndata
from wsigraph.io.features import read_features
from wsigraph.io.features.finder import slide_name
from wsigraph.io.geojson import write_geojson
from wsigraph.io.graphml_file import write_graphml
from wsigraph.io.pyg_file import write_pyg
from wsigraph.pipelines.cards import feature_files, make_builder
from wsigraph.pipelines.reporter import Reporter, Silent

TASK = "Converting"


def _geojson(path: Path, graph: SpatialGraph) -> None:
    write_geojson(path, neighbours_heatmap(graph))


KINDS: Mapping[str, tuple[str, Callable[[Path, SpatialGraph], None]]] = MappingProxyType(
    {
        "anndata": (".h5ad", write_anndata),
        "graphml": (".graphml", write_graphml),
        "pyg": (".pt", write_pyg),
        "geojson": (".geojson", _geojson),
    }
)
"""Ending and writer of each kind of file."""


def convert(
    paths: Sequence[str | Path],
    *,
    to: str,
    out: str | Path,
    graph: str = "knn",
    options: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
) -> tuple[list[Path], dict[str, str]]:
    """Build each slide's graph and write it as another tool reads it, one file per slide.

    Args:
        paths: Feature files, or folders of them.
        to: ``"anndata"``, ``"graphml"`` (edges and places, no features), ``"pyg"``, or ``"geojson"`` (patches
            as QuPath tiles, whose value is their number of neighbours).
        out: Folder for the files; those of the same name are replaced.
        graph: Name of the graph builder.
        options: Its arguments; text is read as JSON where it is JSON.
        reporter: Who hears of the progress.

    Returns: The files, and the reason by file for slides that failed.
    Raises:
        FeatureFileError: if a path does not exist or a folder holds no feature file.
        RecipeError: if the kind or the builder is unknown, or takes no such option.
        MissingExtraError: if the kind needs an extra that is not installed.
    """
    if to not in KINDS:
        raise RecipeError(expected("--to", f"one of {list(KINDS)}", f"'{to}'"))
    ending, write = KINDS[to]
    reporter = reporter or Silent()
    builder = make_builder(graph, options or {})
    files = feature_files(paths)
    written: list[Path] = []
    failed: dict[str, str] = {}
    reporter.start(TASK, len(files))
    for file in files:
        try:
            place = _free(Path(out) / f"{slide_name(file)}{ending}", written)
            write(place, to_graph(read_features(file, slide_id=slide_name(file)), builder))
            written.append(place)
        except MissingExtraError:
            raise
        except WsigraphError as error:
            failed[str(file)] = str(error)
        reporter.advance(TASK)
    reporter.finish(TASK)
    return written, failed


def _free(place: Path, written: Sequence[Path]) -> Path:
    """The name of a file, unless a slide of the same job has it."""
    if place in written:
        raise FeatureFileError(
            expected(f"'{place.name}'", "one slide of this name", "a second", todo="Convert them apart.")
        )
    return place
