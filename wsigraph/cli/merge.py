"""``wsigraph merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.scores import emit_scores
from wsigraph.cli.screen import emit_json


def merge(
    runs: Annotated[list[Path], typer.Argument(help="Run folders of single folds.", show_default=False)],
    out: options.OutDir,
    json: options.Json = False,
) -> None:
    """Join folds that were trained apart (train --fold) into one run."""
    from wsigraph.pipelines.cross_validate import merge as join

    result = join(runs, out)
    if json:
        emit_json({"run": str(result.path), "metrics": result.metrics, "failed": result.failed})
    else:
        emit_scores(result.metrics, title="merged, out of fold", run=result.path)
    leave(1, result.failed)
