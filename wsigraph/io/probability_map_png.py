"""Patch probabilities beside what a pathologist outlined, unlikely patches transparent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wsigraph.data.box import Box
from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.heatmap import extent, rasterise
from wsigraph.evaluation.outlines import Outlines
from wsigraph.io.figure import INK, QUIET, save_figure
from wsigraph.io.scale_bar import draw_scale_bar
from wsigraph.patches.overview import Overview

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

LEAST = 0.3
"""Patches less probable than this are transparent."""

_COLOURMAP = "viridis"  # read by colour-blind eyes, and neither its ends nor its middle look like H&E
_FAINTEST = (
    0.4  # opacity of the least probable patch drawn: its dark colour must not outshine the likely ones
)
_TRUTH = "#0969da"
_TISSUE = "#c9ced4"  # patches on a plain ground, where no picture of the slide lies under them
_LONG_SIDE = 800  # pixels of what is painted: about those of a panel, more would be drawn over each other
_PANEL = 5.8  # inches of a panel's longer side


def write_probability_map(
    path: str | Path,
    heatmap: Heatmap,
    truth: Outlines,
    overview: Overview | None = None,
    *,
    least: float = LEAST,
    title: str = "",
) -> None:
    """Draw the truth on the left, or above, and the probabilities beside it, as PNG.

    Both panels show the slide where an overview is given, else the patches in grey. Patches under ``least``
    are transparent. The outlines stand in both panels, holes left out of the filling.

    Args:
        path: Where to.
        heatmap: Probabilities of the patches, in 0..1.
        truth: What was outlined; without polygons the slide holds nothing.
        overview: A small picture of the slide, which knows what part it shows.
        least: Smallest probability that is drawn.
        title: First line; the slide's id is added where it does not name it.

    Raises: RunError: if values lie outside 0..1, or patches or outlines are not of the part shown.
        GraphError: if there is no patch.
    Source: the figures of HNM-WSI (Huang et al. 2024). Differs: colours, and the outlines in both panels.
    """
    shown = extent(heatmap) if overview is None else overview.box
    _check(heatmap, truth, shown)
    wide = shown.width > 2.2 * shown.height  # then one above the other is larger than side by side
    figure, panels = _panels(shown, rows=2 if wide else 1)
    for axes, name in zip(panels, ("truth", f"probability of {least:g} and more"), strict=True):
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        if overview is not None:
            axes.imshow(overview.image, extent=_corners(shown), interpolation="antialiased")
        else:
            _draw_tissue(axes, heatmap)
        _draw_outlines(axes, truth)
    _fill_outlines(panels[0], truth, shown)
    image = _draw_probabilities(panels[1], heatmap, least)
    draw_scale_bar(panels[0], heatmap.mpp)
    bar = figure.colorbar(image, ax=panels, location="bottom" if wide else "right", aspect=30, pad=0.02)
    bar.set_label(f"{heatmap.meaning}\nunder {least:g} transparent", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=QUIET)
    bar.outline.set_visible(False)
    named = title if heatmap.slide_id in title else f"{heatmap.slide_id}: {title}".rstrip(": ")
    figure.suptitle(named, fontsize=11, color=INK, wrap=True)
    save_figure(path, figure)


def _panels(shown: Box, *, rows: int) -> tuple[Figure, list[Axes]]:
    """Two panels of the part shown, in one row or two."""
    from matplotlib.figure import Figure

    columns = 3 - rows
    scale = _PANEL * (1.7 if rows == 2 else 1.0) / max(shown.width, shown.height)
    width, height = max(shown.width * scale, 2.4), max(shown.height * scale, 0.8)
    figure = Figure(figsize=(columns * width + 1.4, rows * height + 1.7), layout="compressed")
    panels = list(figure.subplots(rows, columns).ravel())
    for axes in panels:
        axes.set(xlim=(shown.x, shown.right), ylim=(shown.bottom, shown.y), xticks=[], yticks=[])
        axes.set_autoscale_on(False)
        axes.set_aspect("equal")
        axes.spines[:].set_color("#d8dee4")
    return figure, panels


def _draw_outlines(axes: Axes, truth: Outlines) -> None:
    """The polygons as lines that stay visible however small they are: dark on a light seam."""
    from matplotlib.collections import LineCollection

    rings = [truth.vertices[a:b] for a, b in zip(truth.ptr[:-1], truth.ptr[1:], strict=True) if b > a]
    closed = [np.concatenate([ring, ring[:1]]) for ring in rings]
    for colour, width in (("white", 2.2), (INK, 1.0)):
        axes.add_collection(LineCollection(closed, colors=colour, linewidths=width, zorder=4), autolim=False)


def _fill_outlines(axes: Axes, truth: Outlines, shown: Box) -> None:
    unit = max(shown.width, shown.height) / _LONG_SIDE
    columns, rows = (np.arange(math.ceil(side / unit)) + 0.5 for side in (shown.width, shown.height))
    places = np.stack(np.meshgrid(shown.x + columns * unit, shown.y + rows * unit), axis=-1)
    inside = truth.contain(places.reshape(-1, 2)).reshape(len(rows), len(columns))
    covered = Box(shown.x, shown.y, len(columns) * unit, len(rows) * unit)
    _paint(axes, inside, covered, _TRUTH, alpha=0.45)


def _draw_tissue(axes: Axes, heatmap: Heatmap) -> None:
    values, covered = _raster(heatmap)
    _paint(axes, np.isfinite(values), covered, _TISSUE, alpha=1.0)


def _paint(axes: Axes, mask: np.ndarray, covered: Box, colour: str, *, alpha: float) -> None:
    """One colour where the mask is, nothing elsewhere."""
    from matplotlib.colors import ListedColormap

    shown = np.ma.masked_where(~mask, np.zeros(mask.shape))
    axes.imshow(
        shown,
        extent=_corners(covered),
        cmap=ListedColormap([colour]),
        alpha=alpha,
        interpolation="nearest",
        zorder=2,
    )


def _draw_probabilities(axes: Axes, heatmap: Heatmap, least: float) -> AxesImage:
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    values, covered = _raster(heatmap)
    colours = colormaps[_COLOURMAP](np.linspace(0, 1, 256))
    colours[:, 3] = np.linspace(_FAINTEST, 1, 256)
    likely = np.ma.masked_where(~(values >= least), values)  # where no patch lies, NaN is not likely either
    return axes.imshow(
        likely,
        extent=_corners(covered),
        cmap=ListedColormap(colours),
        vmin=least,
        vmax=1.0,
        interpolation="nearest",
        zorder=3,
    )


def _raster(heatmap: Heatmap) -> tuple[np.ndarray, Box]:
    """Probabilities as an array of about as many pixels as are shown, and what it covers."""
    patches = extent(heatmap)
    fine = _LONG_SIDE * heatmap.patch_size / max(patches.width, patches.height)
    px_per_patch = min(8.0, fine) if fine < 1 else float(min(8, int(fine)))
    values = rasterise(heatmap, px_per_patch=px_per_patch)
    unit = heatmap.patch_size / px_per_patch
    return values, Box(patches.x, patches.y, values.shape[1] * unit, values.shape[0] * unit)


def _corners(box: Box) -> tuple[float, float, float, float]:
    return (box.x, box.right, box.bottom, box.y)


def _check(heatmap: Heatmap, truth: Outlines, shown: Box) -> None:
    where, values, patches = f"Probability map '{heatmap.slide_id}'", heatmap.values, extent(heatmap)
    if values.min() < 0 or values.max() > 1:
        got = f"{values.min():.3g} to {values.max():.3g}"
        raise RunError(expected(where, "probabilities in 0..1", got))
    slack = heatmap.patch_size  # the last row of patches may hang over the slide's edge
    parts = [("patches", patches, slack)] + ([("outlines", truth.box, math.inf)] if len(truth) else [])
    for what, box, beyond in parts:
        apart = box.x > shown.right or box.y > shown.bottom or box.right < shown.x or box.bottom < shown.y
        over = max(shown.x - box.x, shown.y - box.y, box.right - shown.right, box.bottom - shown.bottom)
        if apart or over > beyond:
            part = f"x {shown.x:.0f}..{shown.right:.0f}, y {shown.y:.0f}..{shown.bottom:.0f}"
            got = f"x {box.x:.0f}..{box.right:.0f}, y {box.y:.0f}..{box.bottom:.0f}"
            todo = "They belong to another slide, or are not in level-0 pixels."
            raise RunError(expected(where, f"{what} within {part}", got, todo=todo))
