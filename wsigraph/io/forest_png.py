"""Differences with their intervals as a picture, one row each and a line at zero."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import INK, QUIET, plain_axes, save_figure

_ROW, _MARK = 0.16, 0.13
"""Inches of a row, and of each mark in it."""


@dataclass(frozen=True)
class Mark:
    """One difference.

    Args:
        group: What it is of; the legend names it.
        value: The difference.
        low: Lower end of its interval; NaN for none.
        high: Upper end.
    """

    group: str
    value: float
    low: float
    high: float


def write_forest(
    path: str | Path,
    rows: Sequence[tuple[str, Sequence[Mark]]],
    colours: Mapping[str, str],
    *,
    label: str,
    title: str = "",
    margin: float = 0.0,
) -> None:
    """Draw marks row by row, first row on top.

    Args:
        path: Where to.
        rows: Name and marks; the first mark of a row is drawn larger.
        colours: By group, in the order of the legend.
        label: What the axis counts.
        title: First line.
        margin: Differences from -margin to margin lie on a grey ground.

    Raises: RunError: if there is nothing to draw.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    marks = [mark for _, some in rows for mark in some]
    if not marks:
        raise RunError(expected("Forest plot", "at least one difference", "none"))
    tall = [_ROW + _MARK * len(some) for _, some in rows]
    figure = Figure(figsize=(7.6, sum(tall) + 0.8 + 0.3 * bool(title)), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    axes.grid(False, axis="y")
    if margin > 0:
        axes.axvspan(-margin, margin, color="#eaeef2", linewidth=0, zorder=0)
    axes.axvline(0.0, color=INK, linewidth=1, zorder=1)
    place, middles = 0.0, []
    for (_, some), height in zip(rows, tall, strict=True):
        middles.append(place - height / 2)
        for i, mark in enumerate(some):
            at = place - _ROW / 2 - _MARK * (i + 0.5)
            colour, large = colours[mark.group], i == 0
            if math.isfinite(mark.low) and math.isfinite(mark.high):
                axes.plot([mark.low, mark.high], [at, at], color=colour, linewidth=2.0 if large else 1.0)
            axes.plot([mark.value], [at], "o" if large else "s", color=colour, markersize=6 if large else 3.5)
        place -= height
        axes.axhline(place, color="#eaeef2", linewidth=0.6, zorder=0)
    axes.set_yticks(middles, [name for name, _ in rows], fontsize=9, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place, 0.0)
    axes.set_xlabel(label, fontsize=9, color=QUIET)
    if title:
        axes.set_title(title, fontsize=11, color=INK, loc="left")
    there = [group for group in colours if any(mark.group == group for mark in marks)]
    if len(there) > 1:
        handles = [Line2D([], [], color=colours[g], marker="o", markersize=4, label=g) for g in there]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=len(there), frameon=False, fontsize=8
        )
    save_figure(path, figure)
