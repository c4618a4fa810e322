"""``wsigraph tile``."""

from __future__ import annotations

from wsigraph.cli import options
from wsigraph.cli.exit import leave
from wsigraph.cli.progress import ScreenReporter
from wsigraph.cli.screen import emit_json, emit_pairs


def tile(
    slides: options.Slides,
    *,
    out: options.OutDir,
    patch_px: options.PatchPx = 256,
    mpp: options.Mpp = 0.5,
    overlap_px: options.OverlapPx = 0,
    min_tissue: options.MinTissue = 0.5,
    allow_upsampling: options.Upsample = False,
    slide_mpp: options.SlideMpp = None,
    slide_mpp_csv: options.SlideMppCsv = None,
    json: options.Json = False,
) -> None:
    """Find tissue and lay patches over it; one overlay picture per slide to look at."""
    from wsigraph.pipelines.slides import find_slides
    from wsigraph.pipelines.tile import tile_cohort

    tiling = options.tiling(
        patch_px, mpp, overlap_px=overlap_px, min_tissue=min_tissue, allow_upsampling=allow_upsampling
    )
    own = options.slide_mpp(slide_mpp, slide_mpp_csv)
    with ScreenReporter() as reporter:
        result = tile_cohort(find_slides(slides), out, tiling=tiling, slide_mpp=own, reporter=reporter)
    summary = {"out": str(out), "done": result.done, "skipped": result.skipped, "failed": result.failed}
    if json:
        emit_json(summary)
    else:
        emit_pairs(
            {
                "tiled": len(result.done),
                "whole already": len(result.skipped),
                "failed": len(result.failed),
                "out": out,
            }
        )
    leave(len(result.done) + len(result.skipped), result.failed, said=reporter.said)
