"""Answered numbers against true ones as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import COLOURS, INK, QUIET, panel_grid, plain_axes, save_figure


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
    if not values:
        raise RunError(expected("Scatter plot", "at least one value", "none"))
    figure, panels = panel_grid(len(values), size=(3.6, 3.5), above=0.3 * bool(title))
    for axes, (name, (truth, answer)) in zip(panels, values.items(), strict=True):
        plain_axes(axes)
        known = ~np.isnan(truth)
        axes.plot(truth[known], answer[known], "o", color=COLOURS[0], markersize=4, alpha=0.6)
        ends = np.concatenate([truth[known], answer[known]])
        low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
        axes.plot([low, high], [low, high], color=QUIET, linewidth=1, zorder=0)
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("true", fontsize=9, color=QUIET)
        axes.set_ylabel("answered", fontsize=9, color=QUIET)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    save_figure(path, figure)
