"""Where several methods look on the same slides: a row per slide, a column per method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import INK, QUIET, save_figure

_COLOURMAP = "viridis"  # as heatmaps: read by colour-blind eyes, and unlike H&E


@dataclass(frozen=True)
class Look:
    """One method's attention on one slide.

    Args:
        slide_id: Name of the slide.
        label: Its true class.
        places: ``[N, 2]`` (x, y) of the patches.
        attention: ``[N]``.
    """

    slide_id: str
    label: str
    places: np.ndarray
    attention: np.ndarray


def write_looks(path: str | Path, methods: Mapping[str, Sequence[Look]]) -> None:
    """Draw each patch as a dot, coloured by the rank of its attention on the slide.

    Args:
        path: Where to.
        methods: Looks by method, all on the same slides in the same order.

    Raises: RunError: if there is nothing to draw, or methods looked at other slides.
    """
    from matplotlib.figure import Figure

    slides = [[look.slide_id for look in looks] for looks in methods.values()]
    if not slides or not slides[0] or any(other != slides[0] for other in slides):
        raise RunError(expected(f"Picture '{Path(path).name}'", "looks at the same slides", f"{slides}"))
    rows, columns = len(slides[0]), len(methods)
    figure = Figure(figsize=(3.4 * columns + 0.4, 2.9 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for column, (method, looks) in enumerate(methods.items()):
        for row, look in enumerate(looks):
            axes = grid[row, column]
            size = min(60.0, 12_000 / max(1, len(look.attention)))
            ranks = rankdata(look.attention) / len(look.attention)
            colours = {"c": ranks, "cmap": _COLOURMAP, "vmin": 0.0, "vmax": 1.0}
            dots = axes.scatter(*look.places.T, s=size, linewidths=0, **colours)
            axes.set_aspect("equal")
            axes.invert_yaxis()
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(method, fontsize=11, color=INK)
            if column == 0:
                axes.set_ylabel(f"{look.slide_id}\n{look.label}", fontsize=8, color=QUIET)
    bar = figure.colorbar(dots, ax=grid, shrink=0.5, ticks=[0, 1])
    bar.ax.set_yticklabels(["least attended", "most attended"], fontsize=8, color=QUIET)
    bar.outline.set_visible(False)
    save_figure(path, figure)
