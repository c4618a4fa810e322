"""What a round of mining costs by the share of negatives, and what reading mined patches alone saves."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hnm.arms import DEALT
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import write_text
from wsigraph.io.slides import open_slide
from wsigraph.patches.tiling import Tiling
from wsigraph.pipelines.mine_sources import read_pixels
from wsigraph.pipelines.tile import tile_slide

SHARES = (0.05, 0.2, 1.0)
REPEATS = 5
PARTS = ("contrast", "encoding", "training hnm")
PUBLISHED = (
    "HNM-WSI reports 39 minutes for an epoch of fine-tuning with 5 % of the negatives and 240 with all, "
    ".16 times as long."
)


def write_costs(work: Path, slide: Path, out: Path) -> str:
    """Write ``hnm_costs_<date>.md`` and return it.

    Args:
        work: Folder whose ``fits/`` holds the arms of ``DEALT``.
        slide: A slide to read patches from.
        out: Folder of the page.
    """
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    lines = [f"# What hard negative mining costs, {date}", "", *_rounds(fits_of(work)), ""]
    lines += [*_reading(slide)]
    page = "\n".join(lines) + "\n"
    write_text(out / f"hnm_costs_{date}.md", page)
    return page


def fits_of(work: Path) -> dict[str, list[dict[str, Any]]]:
    """Finished fits of the arms whose epochs deal each hard negative once, by arm."""
    found = {name: sorted((work / "fits").glob(f"crchisto-{name}-seed*.json")) for name in DEALT}
    return {name: [json.loads(f.read_text(encoding="utf-8")) for f in files] for name, files in found.items()}


def round_seconds(fits: list[dict[str, Any]]) -> dict[str, float]:
    """Median processor's seconds of the parts of a round: an epoch of contrast, encoding, a classifier."""
    spent: dict[str, list[float]] = {part: [] for part in PARTS}
    for fit in fits:
        for part in PARTS:
            spent[part].append(fit["tasks"][f"Round 1: {part}"])
    return {part: statistics.median(values) for part, values in spent.items()}


def _rounds(found: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    lines = [
        "**A round on pixels** (crchisto, 27 x 27 px, ResNet of width 8; five epochs of contrast, each deals "
        "each hard negative once; processor's seconds, medians over folds):",
        "",
        "| negatives | folds | hard negatives | contrast, s | times all | encoding, s | classifier, s | "
        "round, s | times all |",
        "|---|" + "---|" * 8,
    ]
    every = round_seconds(found["dealall"])
    for name, fits in found.items():
        spent = round_seconds(fits)
        hard = statistics.median(fit["rounds"][1]["negatives"] for fit in fits)
        whole, whole_of_all = sum(spent.values()), sum(every.values())
        lines.append(
            f"| {DEALT[name].what} | {len(fits)} | {hard:,.0f} | {spent['contrast']:.1f} | "
            f"{spent['contrast'] / every['contrast']:.2f} | {spent['encoding']:.1f} | "
            f"{spent['training hnm']:.1f} | {whole:.1f} | {whole / whole_of_all:.2f} |"
        )
    return [*lines, "", PUBLISHED]


def _reading(slide: Path) -> list[str]:
    """Reading a share of the patches of a slide, scattered as if mined, against all of them."""
    features, times = _placed(slide), reading_seconds(slide, repeats=REPEATS)
    lines = [
        f"**Reading the mined patches of a slide** ({slide.name}, {len(features):,} patches of 256 px, drawn "
        f"at random, which scatters them more than mining does; processor's seconds, medians of {REPEATS}):",
        "",
        "| patches read | s | times all |",
        "|---|---|---|",
    ]
    for share, seconds in times.items():
        count = len(_drawn(features, share))
        lines.append(f"| {count:,} ({100 * share:.0f} %) | {seconds:.2f} | {seconds / times[1.0]:.2f} |")
    return lines


def reading_seconds(slide: Path, *, repeats: int) -> dict[float, float]:
    """Median processor's seconds to read each share of the patches of a slide, the shares taking turns."""
    features = _placed(slide)
    times: dict[float, list[float]] = {share: [] for share in SHARES}
    for repeat in range(repeats + 1):
        for share, taken in times.items():
            rows = _drawn(features, share)
            some = PatchFeatures(
                features.slide_id,
                features.x[rows],
                features.coords[rows],
                patch_size_level0=features.patch_size_level0,
                patch_px=features.patch_px,
                mpp=features.mpp,
            )
            begin = time.process_time()
            for _ in read_pixels(some, slide):
                pass
            if repeat:  # the first round warms up
                taken.append(time.process_time() - begin)
    return {share: statistics.median(taken) for share, taken in times.items()}


def _placed(slide: Path) -> PatchFeatures:
    """Where the tissue patches of a slide lie; their features are not needed to read them."""
    with tempfile.TemporaryDirectory() as folder, open_slide(slide) as reader:
        mpp = reader.info.mpp
        patches = tile_slide(reader, Path(folder), Tiling(patch_px=256, mpp=max(0.5, mpp)))
    return PatchFeatures(
        slide.stem,
        np.zeros((len(patches), 1), np.float32),
        patches.coords,
        patch_size_level0=patches.patch_size_level0,
        patch_px=256,
        mpp=mpp,
    )


def _drawn(features: PatchFeatures, share: float) -> np.ndarray:
    count = max(1, round(share * len(features)))
    return np.sort(np.random.default_rng(0).permutation(len(features))[:count])
