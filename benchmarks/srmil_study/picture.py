"""One plain picture per cohort: each measure against the mask rate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.srmil_study.arms import ARMS
from benchmarks.srmil_study.scores import MEASURES, Answers, measured
from wsigraph.io.figure import COLOURS, INK, QUIET, plain_axes, save_figure

DEFAULT_RATE = 0.7
BESIDE = {"B": "no reconstruction", "E": "edgeless", "G": "abmil"}


def write_picture(path: Path, mine: Mapping[str, Answers], *, title: str) -> bool:
    """Draw it where at least two mask rates are finished; says whether it did."""
    from matplotlib.figure import Figure

    rates = {float(ARMS[n].changes["views.masked.rate"]): n for n in mine if n.startswith("C")}
    rates |= {DEFAULT_RATE: "A"} if "A" in mine else {}
    if len(rates) < 2:
        return False
    found = {m: [measured(mine[rates[r]], m) for r in sorted(rates)] for m in MEASURES}
    shown = [m for m in MEASURES if found[m][0].value == found[m][0].value]
    figure = Figure(figsize=(3.1 * len(shown), 2.9), layout="constrained")
    figure.suptitle(title, fontsize=10, color=INK)
    for axes, measure in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        plain_axes(axes)
        values = [one.value for one in found[measure]]
        below = [one.value - one.low for one in found[measure]]
        above = [one.high - one.value for one in found[measure]]
        axes.errorbar(
            sorted(rates), values, yerr=[below, above], color=COLOURS[0], marker="o", capsize=3, label="srmil"
        )
        for colour, (arm, label) in zip(COLOURS[1:], BESIDE.items(), strict=False):
            if arm in mine:
                axes.axhline(measured(mine[arm], measure).value, color=colour, linestyle="--", label=label)
        axes.set_title(measure, fontsize=10, color=INK, loc="left")
        axes.set_xlabel("mask rate", fontsize=8, color=QUIET)
    lines, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    save_figure(path, figure)
    return True
