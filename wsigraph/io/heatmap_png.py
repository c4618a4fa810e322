"""A heatmap as a picture: the slide, the slide under the heatmap, a scale bar and what the colours are."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wsigraph.data.box import Box
from wsigraph.data.heatmap import Heatmap
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.heatmap import extent, rasterise
from wsigraph.io.figure import INK, QUIET, save_figure
from wsigraph.io.scale_bar import draw_scale_bar
from wsigraph.patches.overview import Overview

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.image import AxesImage

_COLOURMAP = "viridis"  # read by colour-blind eyes, and neither its ends nor its middle look like H&E
_LONG_SIDE = 1500  # pixels of the heatmap's longer side, at most
_PANEL = 6.2  # inches of a panel's longer side


def write_heatmap(
    path: str | Path,
    heatmap: Heatmap,
    overview: Overview | None = None,
    *,
    title: str = "",
) -> None:
    """Draw a heatmap as PNG.

    With an overview the slide stands on the left and the heatmap over it on the right; without one the
    heatmap stands alone on a plain ground.

    Args:
        path: Where to.
        heatmap: What is drawn; ``meaning`` labels the colours.
        overview: A small picture of the slide, which knows what part it shows.
        title: First line; the slide's id is added where it does not name it.

    Raises: RunError: if the patches lie outside the overview. GraphError: if there is no patch.
    """
    from matplotlib.figure import Figure

    patches = extent(heatmap)
    shown = patches if overview is None else overview.box
    if overview is not None:
        _check_inside(heatmap, patches, shown)
    wide = shown.width > 2.2 * shown.height  # then one above the other is larger than side by side
    panels = 1 if overview is None else 2
    rows, columns = (panels, 1) if wide else (1, panels)
    scale = _PANEL * (1.7 if wide else 1.0) / max(shown.width, shown.height)
    width, height = max(shown.width * scale, 2.2), max(shown.height * scale, 0.6)
    figure = Figure(figsize=(columns * width + 1.4, rows * height + 1.4), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel in axes:
        _frame(panel, shown)
        if overview is not None:
            panel.imshow(overview.image, extent=_corners(shown), interpolation="antialiased")
    image = _draw_values(axes[-1], heatmap, patches, alpha=1.0 if overview is None else 0.6)
    draw_scale_bar(axes[0], heatmap.mpp)
    bar = figure.colorbar(image, ax=list(axes), location="bottom" if wide else "right", aspect=30, pad=0.02)
    _label_colours(bar, _wrapped(heatmap.meaning, columns * width if wide else height))
    named = title if heatmap.slide_id in title else f"{heatmap.slide_id}: {title}".rstrip(": ")
    figure.suptitle(named, fontsize=11, color=INK, wrap=True)
    save_figure(path, figure)


def _label_colours(bar: Colorbar, meaning: str) -> None:
    if bar.solids is not None:  # the bar shows the full colours, not those mixed with the slide
        bar.solids.set_alpha(1.0)
    bar.set_label(meaning, fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=QUIET)
    bar.outline.set_visible(False)


def _draw_values(axes: Axes, heatmap: Heatmap, patches: Box, *, alpha: float) -> AxesImage:
    fine = _LONG_SIDE * heatmap.patch_size / max(patches.width, patches.height)
    px_per_patch = min(8.0, fine) if fine < 1 else float(min(8, int(fine)))
    values = np.ma.masked_invalid(rasterise(heatmap, px_per_patch=px_per_patch))
    low, high = heatmap.limits or (float(heatmap.values.min()), float(heatmap.values.max()))
    unit = heatmap.patch_size / px_per_patch
    covered = Box(patches.x, patches.y, values.shape[1] * unit, values.shape[0] * unit)
    return axes.imshow(
        values,
        extent=_corners(covered),
        cmap=_COLOURMAP,
        vmin=low,
        vmax=high,
        alpha=alpha,
        interpolation="nearest",
        zorder=3,
    )


def _frame(axes: Axes, shown: Box) -> None:
    axes.set_xlim(shown.x, shown.right)
    axes.set_ylim(shown.bottom, shown.y)
    axes.set_autoscale_on(False)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("#f0f1f3")
    for spine in axes.spines.values():
        spine.set_color("#d8dee4")


def _corners(box: Box) -> tuple[float, float, float, float]:
    return (box.x, box.right, box.bottom, box.y)


def _check_inside(heatmap: Heatmap, patches: Box, shown: Box) -> None:
    slack = heatmap.patch_size  # the last row of patches may hang over the slide's edge
    if (
        patches.x < shown.x - slack
        or patches.y < shown.y - slack
        or patches.right > shown.right + slack
        or patches.bottom > shown.bottom + slack
    ):
        raise RunError(
            expected(
                f"Heatmap '{heatmap.slide_id}'",
                f"patches within x {shown.x:.0f}..{shown.right:.0f}, y {shown.y:.0f}..{shown.bottom:.0f}",
                f"x {patches.x:.0f}..{patches.right:.0f}, y {patches.y:.0f}..{patches.bottom:.0f}",
                todo="The features belong to another slide, or their coordinates are not level-0 pixels.",
            )
        )


def _wrapped(text: str, length: float) -> str:
    """Lines of about the same length that fit along a colour bar of ``length`` inches."""
    lines = -(-len(text) // max(18, int(length * 12)))
    return "\n".join(textwrap.wrap(text, -(-len(text) // lines) + 5))
