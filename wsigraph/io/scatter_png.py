"""Answered numbers against true ones as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import COLOURS, INK, QUIET, plain_axes, save_figure


def write_scatter(
    path: str | Path, values: Mapping[str, tuple[np.ndarray, np.ndarray]], *, title: str = ""
) -> None:
    """Draw one panel per value: a point per slide, and the line on which answers are right.

    Args:
        path: Where to.
        values: True ``[n]`` and answered ``[n]`` numbers by name; unknown ones (NaN) are left out.
        title: First line.

    Raises: RunError: if there is nothing to draw.
    """
    from matplotlib.figure import Figure

    if not values:
        raise RunError(expected("Scatter plot", "at least one value", "none"))
    columns = min(3, len(values))
    lines = -(-len(values) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.5 * lines + 0.3 * bool(title)), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (name, (truth, answer)) in zip(grid, values.items(), strict=False):
        plain_axes(axes)
        known = ~np.isnan(truth)
        axes.plot(truth[known], answer[known], "o", color=COLOURS[0], markersize=4, alpha=0.6)
        ends = np.concatenate([truth[known], answer[known]])
        low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
        axes.plot([low, high], [low, high], color=QUIET, linewidth=1, zorder=0)
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("true", fontsize=9, color=QUIET)
        axes.set_ylabel("answered", fontsize=9, color=QUIET)
    for axes in grid[len(values) :]:
        axes.set_visible(False)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    save_figure(path, figure)
