"""Feature files of any layout, written again as they are read fastest, with the edges of their graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wsigraph.errors import CohortError, FeatureFileError, WsigraphError, expected
from wsigraph.graph.base import GraphBuilder
from wsigraph.graph.build import to_graph
from wsigraph.io.disk import bytes_of, newest_change
from wsigraph.io.edge_cache import cached_edges, write_edges
from wsigraph.io.features import read_features, write_features
from wsigraph.io.features.finder import slide_name
from wsigraph.io.ids import check_id
from wsigraph.pipelines.cards import feature_files
from wsigraph.pipelines.reporter import Reporter, Silent

TASK = "Packing features"


@dataclass
class Packed:
    """What became of each slide.

    Args:
        done: Slides written.
        skipped: Slides that were whole already.
        failed: Reason by slide.
        bytes_before: Size of the files read, of slides that are whole now.
        bytes_after: Size of the same slides packed, edges included.
    """

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    bytes_before: int = 0
    bytes_after: int = 0


def pack_files(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    builder: GraphBuilder | None = None,
    reporter: Reporter = Silent(),
) -> Packed:
    """Write every slide as ``out/<slide_id>.h5``: float16 in chunks of many rows, checked and whole.

    A slide that is packed already and has not changed since is left as it is, so that a run that was stopped
    goes on; a slide that cannot be read is named, and the rest goes on.

    Args:
        paths: Feature files, or folders of any layout.
        out: Folder of the packed files.
        builder: Its edges are kept beside; none where not given, and none of controls that draw them.
        reporter: Hears of the progress.

    Raises: FeatureFileError: if a path holds no features. CohortError: if two files are of one slide, or
        ``out`` is where the features lie.
    """
    files, out = feature_files(paths), Path(out)
    _check_names(files, out)
    packed = Packed()
    reporter.start(TASK, len(files))
    for file in files:
        name = slide_name(file)
        try:
            fresh = _pack_one(file, out / f"{name}.h5", builder)
            (packed.done if fresh else packed.skipped).append(name)
            packed.bytes_before += bytes_of(file)
            packed.bytes_after += bytes_of(out / f"{name}.h5")
        except WsigraphError as error:
            packed.failed[name] = str(error)
            reporter.say(f"slide '{name}' failed: {error}")
        reporter.advance(TASK)
    reporter.finish(TASK)
    packed.bytes_after += bytes_of(out / "edges")
    return packed


def _pack_one(source: Path, target: Path, builder: GraphBuilder | None) -> bool:
    """Pack one slide and keep its edges; whether anything was to do."""
    fresh = not _is_packed(source, target)
    if fresh:
        write_features(target, read_features(source, slide_id=slide_name(source)))
    if builder is None or builder.draws:
        return fresh
    features = read_features(target)
    if not features.has_coords or cached_edges(target, builder, num_nodes=len(features)) is not None:
        return fresh
    to_graph(features, builder)  # refuses what training would refuse
    write_edges(target, builder, builder.edges(features))
    return True


def _is_packed(source: Path, target: Path) -> bool:
    """Whether the packed file is newer than what it was made of; it stands at its name only when whole."""
    return target.is_file() and newest_change(target) > newest_change(source)


def _check_names(files: Sequence[Path], out: Path) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        name = check_id(slide_name(file), where=f"Feature file '{file}'")
        if name in seen:
            both = f"'{seen[name]}' and '{file}'"
            raise CohortError(expected("Pack", "one file per slide", both, todo="Give one of them."))
        seen[name] = file
        if file.parent.resolve() == out.resolve():
            raise FeatureFileError(
                expected("Pack", "a folder other than that of the features", f"'{out}'", todo="Choose --out.")
            )
