"""Training curves as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import COLOURS, INK, QUIET, panel_grid, plain_axes, save_figure

_PLACE = ("epoch", "fold", "repeat")


def write_curves(path: str | Path, logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Draw the epochs of one or several runs: one panel per quantity, one thin line per fold.

    ``train_x`` and ``val_x`` share the panel ``x``, dashed and solid.

    Args:
        path: Where to.
        logs: Rows by run name, each with ``epoch``, perhaps ``fold`` and ``repeat``, and any numbers.

    Raises: RunError: if no row holds a number.
    """
    panels = _quantities(logs)
    if not panels:
        raise RunError(expected("Training curves", "log rows with numbers by epoch", "none"))
    figure, grid = panel_grid(len(panels), size=(3.6, 2.5), above=0.7)
    for axes, (quantity, names) in zip(grid, panels.items(), strict=True):
        plain_axes(axes)
        axes.set_title(quantity.replace("_", " "), fontsize=10, color=INK, loc="left")
        axes.set_xlabel("epoch", fontsize=8, color=QUIET)
        for colour, rows in zip(_colours(), logs.values(), strict=False):
            for name in names:
                style = "--" if name.startswith("train_") else "-"
                for epochs, values in _lines(rows, name):
                    mark = "o" if len(epochs) == 1 else None
                    axes.plot(epochs, values, style, color=colour, linewidth=0.9, alpha=0.75, marker=mark)
    _legend(figure, logs, panels)
    save_figure(path, figure)


def _quantities(logs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Columns to draw by panel, in order of first appearance."""
    panels: dict[str, list[str]] = {}
    for name in dict.fromkeys(key for rows in logs.values() for row in rows for key in row):
        if name in _PLACE or not any(_lines(rows, name) for rows in logs.values()):
            continue
        quantity = name.removeprefix("train_").removeprefix("val_")
        panels.setdefault(quantity, []).append(name)
    return panels


def _lines(rows: Sequence[Mapping[str, Any]], name: str) -> list[tuple[list[float], list[float]]]:
    """One (epochs, values) per fold of each repeat, where the column holds numbers."""
    found: dict[tuple[Any, Any], list[tuple[float, float]]] = {}
    for row in rows:
        value = row.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            found.setdefault((row.get("repeat", 0), row.get("fold", 0)), []).append((row["epoch"], value))
    return [tuple(map(list, zip(*sorted(points), strict=True))) for points in found.values()]  # type: ignore[misc]


def _legend(figure: Any, logs: Mapping[str, Any], panels: Mapping[str, list[str]]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    if len(logs) > 1:
        handles += [Line2D([], [], color=c, label=name) for c, name in zip(_colours(), logs, strict=False)]
    if any(name.startswith("train_") for names in panels.values() for name in names):
        handles.append(Line2D([], [], color=INK, linestyle="--", label="training"))
    if any(name.startswith("val_") for names in panels.values() for name in names):
        handles.append(Line2D([], [], color=INK, label="validation"))
    if handles:
        figure.legend(
            handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=9
        )


def _colours() -> Iterator[str]:
    while True:
        yield from COLOURS
