"""``wsigraph embed``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit, emit_json


def embed(
    run: Annotated[Path, typer.Argument(help="One fold of a run, or a run of one network.")],
    features: options.Features,
    out: Annotated[
        Path, typer.Option("--out", help="File to write: .h5, or .h5ad for AnnData.", show_default=False)
    ],
    json: options.Json = False,
) -> None:
    """Write one vector per slide, and whether the network had learned from it."""
    from wsigraph.pipelines.embed import embed_files

    with ScreenReporter() as reporter:
        slides, failed = embed_files(run, features, out, reporter=reporter)
    if json:
        emit_json({"out": str(out), "slides": slides, "failed": failed})
    else:
        emit(f"{len(slides)} slides embedded: {out}")
    leave(len(slides), failed, said=reporter.said)
