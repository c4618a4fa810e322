"""The patches that a model looks at most, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import FeatureError, RunError, expected
from wsigraph.io.figure import INK, QUIET, save_figure
from wsigraph.io.scale_bar import draw_scale_bar
from wsigraph.io.slides import SlideReader, resample

COLUMNS = 4
PATCH_PX = 224
"""Side of a patch as it is shown."""


@dataclass(frozen=True)
class TopPatch:
    """One patch of a gallery.

    Args:
        row: Its row in the feature file.
        share: Its part of the slide's attention.
        corner: Its top-left corner (x, y).
        pixels: ``[H, W, 3]`` uint8.

    Units: level-0 pixels for the corner.
    """

    row: int
    share: float
    corner: tuple[int, int]
    pixels: np.ndarray


def read_top_patches(reader: SlideReader, heatmap: Heatmap, *, top: int) -> list[TopPatch]:
    """The patches with most attention, most first; of equal ones the first in the file.

    Args:
        reader: The slide.
        heatmap: Attention of its patches.
        top: How many.

    Raises: FeatureError: if it is not known how large a patch is, or it lies off the slide.
    """
    side = heatmap.patch_size
    where = f"Gallery of slide '{heatmap.slide_id}'"
    if not side > 0:
        raise FeatureError(expected(where, "patches of a known size", "none in the feature file"))
    levels = [
        n for n, one in enumerate(reader.info.levels) if one.downsample <= max(1.0, side / PATCH_PX) * 1.01
    ]
    level = max(levels, default=0)
    pixels = max(1, round(side / reader.info.levels[level].downsample))
    found = []
    for row in np.argsort(-heatmap.raw, kind="stable")[:top].tolist():
        x, y = (int(v) for v in heatmap.coords[row])
        if not (-side < x < reader.info.width and -side < y < reader.info.height):
            size = f"{reader.info.width} x {reader.info.height}"
            todo = "Are these the features of this slide?"
            raise FeatureError(
                expected(where, f"patches on a slide of {size} px", f"one at {x}, {y}", todo=todo)
            )
        read = reader.read_region(x, y, level=level, width=pixels, height=pixels)
        found.append(TopPatch(row, float(heatmap.raw[row]), (x, y), resample(read, PATCH_PX, PATCH_PX)))
    return found


def write_gallery(
    path: str | Path, patches: Sequence[TopPatch], heatmap: Heatmap, *, title: str = ""
) -> None:
    """Draw patches in rows, each with its rank, its share of the attention and a scale bar.

    Args:
        path: Where to, a PNG.
        patches: The patches, most attention first.
        heatmap: What they were taken from.
        title: First line.

    Raises: RunError: if there is no patch.
    """
    from matplotlib.figure import Figure

    if not patches:
        raise RunError(expected(f"Gallery of slide '{heatmap.slide_id}'", "at least one patch", "none"))
    columns = min(COLUMNS, len(patches))
    lines = math.ceil(len(patches) / columns)
    figure = Figure(figsize=(2.3 * columns, 2.75 * lines + 0.7), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    side, even = heatmap.patch_size, 1.0 / len(heatmap.raw)
    for rank, (axes, one) in enumerate(zip(grid, patches, strict=False), start=1):
        axes.imshow(one.pixels, extent=(0, side, side, 0))
        axes.set_axis_off()
        told = f"{rank}.  {100 * one.share:.3g} %, {one.share / even:.3g} times an even share"
        axes.set_title(told, fontsize=7, color=INK, loc="left")
        draw_scale_bar(axes, heatmap.mpp)
    for axes in grid[len(patches) :]:
        axes.set_visible(False)
    total = sum(one.share for one in patches)
    whose = heatmap.meaning.partition(":")[0]  # how a heatmap ranks it says nothing of a share
    below = f"{len(patches)} of {len(heatmap.raw):,} patches, {100 * total:.3g} % of the {whose}"
    figure.suptitle(title or heatmap.slide_id, fontsize=10, color=INK)
    figure.supxlabel(below, fontsize=7, color=QUIET, wrap=True)
    save_figure(path, figure)
