"""``wsigraph encode``."""

from __future__ import annotations

from typing import Annotated

import typer

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit_json, emit_pairs


def encode(
    slides: options.Slides,
    *,
    out: options.OutDir,
    encoder: Annotated[
        str, typer.Option("--encoder", help="A patch encoder, for example stain_texture or timm:<name>.")
    ] = "stain_texture",
    patch_px: options.PatchPx = 256,
    mpp: options.Mpp = 0.5,
    overlap_px: options.OverlapPx = 0,
    min_tissue: options.MinTissue = 0.5,
    allow_upsampling: options.Upsample = False,
    slide_mpp: options.SlideMpp = None,
    slide_mpp_csv: options.SlideMppCsv = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Patches at once.")] = 64,
    json: options.Json = False,
) -> None:
    """Tile slides and turn every patch into a row of features: DIR/<slide_id>.h5."""
    from wsigraph.patches.encoder import patch_encoder
    from wsigraph.pipelines.encode import encode_cohort
    from wsigraph.pipelines.slides import find_slides

    tiling = options.tiling(
        patch_px, mpp, overlap_px=overlap_px, min_tissue=min_tissue, allow_upsampling=allow_upsampling
    )
    own = options.slide_mpp(slide_mpp, slide_mpp_csv)
    with ScreenReporter() as reporter:
        result = encode_cohort(
            find_slides(slides),
            out,
            encoder=patch_encoder(encoder),
            tiling=tiling,
            slide_mpp=own,
            batch_size=batch_size,
            reporter=reporter,
        )
    if json:
        emit_json({"out": str(out), "done": result.done, "skipped": result.skipped, "failed": result.failed})
    else:
        emit_pairs(
            {
                "encoded": len(result.done),
                "whole already": len(result.skipped),
                "failed": len(result.failed),
                "out": out,
            }
        )
    leave(len(result.done) + len(result.skipped), result.failed, said=reporter.said)
