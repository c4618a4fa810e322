"""From slides to patch files and overlays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsigraph.data.patches import Patches
from wsigraph.data.slide_info import SlideInfo
from wsigraph.errors import FeatureFileError
from wsigraph.io.overlay import write_overlay
from wsigraph.io.patch_files import read_made_with, write_patches
from wsigraph.io.slides import SlideReader, open_slide, read_overview
from wsigraph.patches.mpp import check_mpp
from wsigraph.patches.quality import flag_patches
from wsigraph.patches.tiling import Tiling, fit, tile
from wsigraph.patches.tissue import find_tissue
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.pipelines.slides import PrepareResult, for_each_slide, mpp_of

OVERVIEW_UM = 8.0
"""Overviews of large slides have this many microns per pixel ..."""
OVERVIEW_PX = 1200
"""... and those of small ones are about this long, so that small patches span several of their pixels."""


def tile_cohort(
    slides: Sequence[str | Path],
    out: str | Path,
    *,
    tiling: Tiling | None = None,
    slide_mpp: float | Mapping[str, float] | None = None,
    reporter: Reporter | None = None,
) -> PrepareResult:
    """Find the patches of every slide.

    Writes ``out/patches/<slide_id>.h5`` and ``out/overlays/<slide_id>.png``. A slide that was tiled the same
    way before is skipped; one that fails does not end the job.

    Args:
        slides: Slide files, see :func:`~wsigraph.pipelines.slides.find_slides`.
        out: Folder to write to.
        tiling: What patches are asked for.
        slide_mpp: Microns per level-0 pixel, for all slides or by slide id; overrides the files.
        reporter: Who hears of the progress.

    Raises: CohortError: if two files would be the same slide.
    Units: um/px for ``slide_mpp``.
    """
    tiling, out = tiling or Tiling(), Path(out)

    def work(path: Path, result: PrepareResult) -> None:
        with open_slide(path, slide_mpp=mpp_of(path, slide_mpp)) as reader:
            slide_id = reader.info.slide_id
            if was_tiled(out, reader.info, tiling) and overlay_file(out, slide_id).exists():
                result.skipped.append(slide_id)
                return
            result.enter(tile_slide(reader, out, tiling))

    return for_each_slide(slides, work, task="tile", reporter=reporter or Silent())


def tile_slide(reader: SlideReader, out: Path, tiling: Tiling) -> Patches:
    """Find the patches of one open slide and write its patch file and its overlay.

    Raises: SlideError, MppError, TilingError: if it cannot be read or tiled as asked.
    """
    info = reader.info
    fit(info, tiling)  # refuses before any pixel is read
    overview = read_overview(reader, downsample=_overview_downsample(info))
    mask = find_tissue(overview.image, overview.downsample * info.mpp)
    patches = flag_patches(tile(info, mask, tiling, box=overview.box), overview)
    write_overlay(overlay_file(out, info.slide_id), overview, mask, patches)
    write_patches(patch_file(out, info.slide_id), patches, made_with=_made_with(info, tiling))
    return patches


def was_tiled(out: Path, info: SlideInfo, tiling: Tiling) -> bool:
    """Whether a whole patch file stands there that this tiling of this slide would give again."""
    path = patch_file(out, info.slide_id)
    try:
        return path.exists() and read_made_with(path) == _made_with(info, tiling)
    except FeatureFileError:
        return False


def patch_file(out: Path, slide_id: str) -> Path:
    """Where the patches of a slide stand."""
    return out / "patches" / f"{slide_id}.h5"


def overlay_file(out: Path, slide_id: str) -> Path:
    """Where the overlay of a slide stands."""
    return out / "overlays" / f"{slide_id}.png"


def _overview_downsample(info: SlideInfo) -> float:
    mpp = check_mpp(info)
    long_side_um = max(info.bounds.width, info.bounds.height) * mpp
    return min(OVERVIEW_UM, long_side_um / OVERVIEW_PX) / mpp


def _made_with(info: SlideInfo, tiling: Tiling) -> dict[str, float]:
    asked = {name: float(value) for name, value in dataclasses.asdict(tiling).items()}
    return {
        **asked,
        "slide_width": float(info.width),
        "slide_height": float(info.height),
        "slide_mpp": info.mpp,
    }
