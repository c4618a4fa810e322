"""What methods cost against how good they are, as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import COLOURS, INK, QUIET, panel_grid, plain_axes, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_KINDS = {"graph": COLOURS[0], "set": COLOURS[1], "sequence": COLOURS[2]}


@dataclass(frozen=True)
class Costed:
    """A method.

    Args:
        name: Its name.
        kind: ``"graph"``, ``"set"`` or ``"sequence"``.
        cost: Processor seconds, above 0.
        value: The metric.
        low: Lower end of its interval; NaN for none.
        high: Upper end.
    """

    name: str
    kind: str
    cost: float
    value: float
    low: float
    high: float


def write_costs(path: str | Path, cohorts: Mapping[str, Sequence[Costed]], *, metric: str) -> None:
    """Draw a panel per cohort, cost on a logarithmic axis; methods that no cheaper one beats are named.

    Args:
        path: Where to.
        cohorts: Methods by cohort.
        metric: Name of the metric, of which more is better.

    Raises: RunError: if there is nothing to draw.
    """
    from matplotlib.lines import Line2D

    if not any(cohorts.values()):
        raise RunError(expected("Costs", "at least one method with a known cost", "none"))
    figure, grid = panel_grid(len(cohorts), size=(4.2, 3.1), above=0.4)
    for axes, (name, methods) in zip(grid, cohorts.items(), strict=True):
        _panel(axes, methods)
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        axes.set_ylabel(metric, fontsize=9, color=QUIET)
        axes.set_xlabel("processor seconds of a cell", fontsize=9, color=QUIET)
    there = {one.kind for methods in cohorts.values() for one in methods}
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=kind)
        for kind, colour in _KINDS.items()
        if kind in there
    ]
    handles.append(Line2D([], [], color=QUIET, linestyle="--", label="none cheaper is better"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False, fontsize=9)
    save_figure(path, figure)


def front(methods: Sequence[Costed]) -> list[Costed]:
    """The methods that are better than every method that costs less, the cheapest first."""
    found: list[Costed] = []
    for one in sorted(methods, key=lambda one: (one.cost, -one.value)):
        if not found or one.value > found[-1].value:
            found.append(one)
    return found


def _panel(axes: Axes, methods: Sequence[Costed]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    plain_axes(axes)
    if not methods:
        axes.text(0.5, 0.5, "no cost is known", transform=axes.transAxes, ha="center", color=QUIET)
        return
    for one in methods:
        if math.isfinite(one.low) and math.isfinite(one.high):
            axes.plot([one.cost, one.cost], [one.low, one.high], color=_KINDS[one.kind], alpha=0.3)
        axes.plot([one.cost], [one.value], "o", color=_KINDS[one.kind], markersize=5)
    best = front(methods)
    axes.plot([one.cost for one in best], [one.value for one in best], "--", color=QUIET, linewidth=1)
    for one in best:
        place = (one.cost, one.value)
        axes.annotate(one.name, place, (4, 5), textcoords="offset points", fontsize=8, color=INK)
    cheapest, dearest = (end(one.cost for one in methods) for end in (min, max))
    axes.set_xscale("log")
    axes.set_xlim(cheapest / 1.5, dearest * 2.2)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
