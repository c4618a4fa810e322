"""How methods do with fewer labels, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.label_curve import CurvePoint
from wsigraph.io.figure import COLOURS, INK, QUIET, panel_grid, plain_axes, save_figure


def write_label_curves(
    path: str | Path, cohorts: Mapping[str, Mapping[str, Sequence[CurvePoint]]], *, metric: str
) -> None:
    """Draw a panel per cohort, a line with its 95 % interval per method.

    Args:
        path: Where to.
        cohorts: Points by method, by cohort.
        metric: Name of the metric.

    Raises: RunError: if there is nothing to draw.
    """
    if not any(cohorts.values()):
        raise RunError(expected("Label curves", "at least one curve", "none"))
    methods = list(dict.fromkeys(name for curves in cohorts.values() for name in curves))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(methods)}
    figure, grid = panel_grid(len(cohorts), size=(4.2, 3.1))
    for axes, (cohort, curves) in zip(grid, cohorts.items(), strict=True):
        plain_axes(axes)
        for name, points in curves.items():
            shares = [100 * point.share for point in points]
            low, high = ([getattr(point.found, end) for point in points] for end in ("low", "high"))
            axes.fill_between(shares, low, high, color=colours[name], alpha=0.12, linewidth=0)
            values = [point.found.value for point in points]
            axes.plot(shares, values, "o-", color=colours[name], markersize=4, label=name)
        ticks = sorted({100 * point.share for points in curves.values() for point in points})
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.set_title(cohort, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("% of the training slides", fontsize=9, color=QUIET)
        axes.set_ylabel(metric, fontsize=9, color=QUIET)
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    save_figure(path, figure)
