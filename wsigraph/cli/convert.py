"""``wsigraph convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_json


def convert(
    features: options.Features,
    *,
    to: Annotated[str, typer.Option("--to", help="anndata, graphml, pyg or geojson.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.", show_default=False)],
    graph: options.Graph = "knn",
    k: options.K = None,
    option: options.GraphOption = None,
    json: options.Json = False,
) -> None:
    """Write each slide's graph for other tools: scverse, Gephi, PyTorch Geometric, QuPath."""
    from wsigraph.pipelines.convert import convert as convert_files

    asked = options.graph_options(option, k=k)
    with ScreenReporter() as reporter:
        written, failed = convert_files(
            features, to=to, out=out, graph=graph, options=asked, reporter=reporter
        )
    if json:
        emit_json({"written": [str(path) for path in written], "failed": failed})
    elif written:
        emit(f"{len(written)} file{'s' * (len(written) != 1)} in {out}, such as {written[0].name}")
    leave(len(written), failed, said=reporter.said)
