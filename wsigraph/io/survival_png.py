"""Survival of groups of slides as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.kaplan_meier import kaplan_meier
from wsigraph.io.figure import COLOURS, INK, QUIET, plain_axes, save_figure


def write_survival(
    path: str | Path, groups: Mapping[str, tuple[np.ndarray, np.ndarray]], *, title: str = ""
) -> None:
    """Draw the Kaplan-Meier curve of each group, with a mark where somebody was censored.

    Args:
        path: Where to.
        groups: Times ``[n]`` and events ``[n]`` by name; a group of nobody is left out.
        title: First line.

    Raises: RunError: if nobody is in any group.
    """
    from matplotlib.figure import Figure

    shown = {name: rows for name, rows in groups.items() if len(rows[0])}
    if not shown:
        raise RunError(expected("Survival curves", "at least one slide", "none"))
    figure = Figure(figsize=(6.0, 3.8), layout="constrained")
    axes = figure.subplots()
    plain_axes(axes)
    for colour, (name, (times, events)) in zip(COLOURS, shown.items(), strict=False):
        steps, survival = kaplan_meier(times, events)
        label = f"{name} ({len(times)} slides, {int((events > 0).sum())} events)"
        end = float(times.max())
        axes.step([*steps, end], [*survival, survival[-1]], where="post", color=colour, label=label)
        censored = np.sort(times[events <= 0])
        there = survival[np.searchsorted(steps, censored, side="right") - 1]
        axes.plot(censored, there, "|", color=colour, markersize=7)
    axes.set_ylim(0, 1.03)
    axes.set_xlim(left=0)
    axes.set_xlabel("time, as the manifest has it", fontsize=9, color=QUIET)
    axes.set_ylabel("without the event", fontsize=9, color=QUIET)
    axes.legend(frameon=False, fontsize=9)
    if title:
        axes.set_title(title, fontsize=11, color=INK, loc="left")
    save_figure(path, figure)
