"""``wsigraph export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.screen import emit, emit_json


def export(
    model: Annotated[Path, typer.Argument(help="One trained model: runs/a/fold_0.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="The .pt2 file to write.", show_default=False)],
    json: options.Json = False,
) -> None:
    """Write a model as a program that torch runs without wsigraph."""
    from wsigraph.pipelines.export import export_model

    facts = export_model(model, out)
    if json:
        emit_json({"out": str(out), **facts})
    else:
        emit(
            f"{out}: (x [N, {facts['in_channels']}], edge_index [2, E]) -> {', '.join(facts['outputs'])}; "
            f"classes {', '.join(facts['classes'])}"
        )
