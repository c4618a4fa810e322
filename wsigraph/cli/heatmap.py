"""``wsigraph heatmap``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.screen import emit, emit_json


def heatmap(
    run: Annotated[Path, typer.Argument(help="A run folder, or one of its folds.")],
    features: Annotated[Path, typer.Argument(help="The slide's feature file.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="PNG to write.", show_default=False)],
    slide: Annotated[Path | None, typer.Option("--slide", help="The slide, as background.")] = None,
    geojson: Annotated[Path | None, typer.Option("--geojson", help="Also write this for QuPath.")] = None,
    gallery: Annotated[
        Path | None,
        typer.Option("--gallery", help="Also write this PNG: the patches with most attention, from --slide."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Patches of the gallery.")] = 12,
    slide_mpp: options.SlideMpp = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Attention of this class, of methods with one per class.")
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", help="Attention of the head of this level of a label tree.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Draw a model's attention over a slide, with a scale bar and a legend."""
    from wsigraph.pipelines.heatmap import heatmap_run

    heatmap_run(
        run,
        features,
        slide=slide,
        out=out,
        geojson=geojson,
        slide_mpp=slide_mpp,
        class_name=class_name,
        level=level,
        gallery=gallery,
        top=top,
    )
    written = [str(path) for path in (out, geojson, gallery) if path is not None]
    if json:
        emit_json({"written": written})
    else:
        emit("\n".join(written))
