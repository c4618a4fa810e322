"""A metric over the strength of a made-up effect, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import INK, QUIET, panel_grid, plain_axes, save_figure

Point = tuple[float, float, float, float]
"""Strength, value, lower and upper end of its interval."""


def write_dials(
    path: str | Path,
    panels: Mapping[str, Mapping[str, Sequence[Point]]],
    colours: Mapping[str, str],
    *,
    metric: str,
) -> None:
    """Draw a panel per effect, a line with its intervals per group, and the metric's chance level.

    Args:
        path: Where to.
        panels: Points in order of strength by group, by effect.
        colours: By group.
        metric: Name of the metric, .5 by chance.

    Raises: RunError: if there is nothing to draw.
    """
    from matplotlib.lines import Line2D

    if not any(panels.values()):
        raise RunError(expected("Dials", "at least one effect", "none"))
    figure, grid = panel_grid(len(panels), size=(3.6, 3.0), above=0.4)
    for axes, (name, groups) in zip(grid, panels.items(), strict=True):
        plain_axes(axes)
        axes.axhline(0.5, color=QUIET, linewidth=1, linestyle=":")
        for group, points in groups.items():
            strength, value, low, high = zip(*points, strict=True)
            axes.fill_between(strength, low, high, color=colours[group], alpha=0.15, linewidth=0)
            axes.plot(strength, value, "o-", color=colours[group], markersize=4)
        axes.set_ylim(0.3, 1.03)
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("strength", fontsize=9, color=QUIET)
        axes.set_ylabel(metric, fontsize=9, color=QUIET)
    handles = [Line2D([], [], color=c, marker="o", markersize=4, label=name) for name, c in colours.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    save_figure(path, figure)
