"""What deciding by a model is worth, as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.io.figure import COLOURS, INK, QUIET, panel_grid, plain_axes, save_figure


def write_decision_curves(
    path: str | Path, curves: Mapping[str, Mapping[str, Sequence[float]]], *, title: str = ""
) -> None:
    """Draw one panel per question: net benefit of the model with its interval, of calling all and none so.

    Args:
        path: Where to.
        curves: By name, ``probability``, ``value``, ``low``, ``high`` and ``all``, as ``summarise_decisions``
            has them.
        title: First line.

    Raises: RunError: if there is nothing to draw.
    """
    if not curves:
        raise RunError(expected("Decision curves", "at least one question", "none"))
    figure, panels = panel_grid(len(curves), size=(4.2, 3.4), above=0.3 * bool(title))
    for axes, (name, curve) in zip(panels, curves.items(), strict=True):
        plain_axes(axes)
        chance = curve["probability"]
        axes.fill_between(chance, curve["low"], curve["high"], color=COLOURS[0], alpha=0.15, linewidth=0)
        axes.plot(chance, curve["value"], color=COLOURS[0], label="by the model")
        axes.plot(chance, curve["all"], color=COLOURS[1], linestyle="--", label=f"all are '{name}'")
        axes.axhline(0.0, color=QUIET, linewidth=1, label=f"none is '{name}'")
        shown = (*curve["value"], *curve["all"], *curve["high"], 0.05)
        top = max(value for value in shown if math.isfinite(value))
        axes.set_ylim(-0.25 * top, 1.15 * top)
        axes.set_xlim(0, 1)
        axes.set_title(name, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("threshold probability", fontsize=9, color=QUIET)
        axes.set_ylabel("net benefit", fontsize=9, color=QUIET)
        axes.legend(frameon=True, framealpha=0.8, edgecolor="none", loc="upper right", fontsize=8)
    if title:
        figure.suptitle(title, fontsize=11, color=INK)
    save_figure(path, figure)
