"""How fast slides become features: patches per second through the real path, on one thread of NumPy."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from wsigraph.io.slides import open_slide, read_patches
from wsigraph.io.tiff import write_pyramid
from wsigraph.patches.encoder import PatchEncoder
from wsigraph.patches.tiling import Tiling
from wsigraph.pipelines.encode import encode_slide
from wsigraph.pipelines.tile import tile_slide
from wsigraph.synthetic.slides import Layout, render_slide

TILING = Tiling(patch_px=256, mpp=0.5)


def measure() -> list[dict[str, object]]:
    """Rows of name, value, unit, baseline (same work by bare reads), ratio, aim and threads."""
    with tempfile.TemporaryDirectory() as folder:
        slide = _slide(Path(folder))
        with open_slide(slide) as reader:
            begin = time.perf_counter()
            patches = tile_slide(reader, Path(folder), TILING)
            tiling_s = time.perf_counter() - begin
            read_s = _best(lambda: sum(len(batch) for batch in read_patches(reader, patches)))
            encoder = PatchEncoder.registry.get("stain_texture")()
            both_s = _best(lambda: encode_slide(reader, patches, encoder=encoder))
    count = len(patches)
    where = f"{slide.name}, {count} patches of 256 px"
    return [
        _row(f"tiling with overlay ({where})", tiling_s, count),
        _row(f"reading patches ({where})", read_s, count),
        _row(f"reading + stain_texture ({where})", both_s, count, baseline_s=read_s),
        _row(f"tiling + reading + stain_texture ({where})", tiling_s + both_s, count, baseline_s=read_s),
    ]


def _slide(folder: Path) -> Path:
    """CMU-1-Small-Region where the real data lie, else a synthetic slide."""
    real = Path(os.environ.get("WSIGRAPH_DATA", "../shared/data")) / "slides" / "CMU-1-Small-Region.svs"
    if real.exists():
        return real
    layout = Layout(grid=16, cell_px=256)
    write_pyramid(folder / "synthetic.tif", render_slide(0, label="clustered", layout=layout).image, mpp=0.5)
    return folder / "synthetic.tif"


def _best(job, repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        job()
        times.append(time.perf_counter() - begin)
    return float(np.min(times))


def _row(name: str, seconds: float, count: int, *, baseline_s: float | None = None) -> dict[str, object]:
    baseline = None if baseline_s is None else round(count / baseline_s, 1)
    return {
        "name": name,
        "value": round(count / seconds, 1),
        "unit": "patches/s",
        "baseline": baseline,
        "ratio": None if baseline_s is None else round(baseline_s / seconds, 2),
        "aim": None,
        "threads": 2,
    }
