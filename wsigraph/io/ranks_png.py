"""Mean ranks and the critical difference as a picture."""

from __future__ import annotations

import math
from pathlib import Path

from wsigraph.evaluation.ranks import RankTable
from wsigraph.io.figure import COLOURS, INK, QUIET, save_figure

_STEP = 0.2


def write_ranks(path: str | Path, table: RankTable, *, title: str = "") -> None:
    """Draw methods on an axis of ranks, bars joining those that lie less than the critical difference apart.

    Args:
        path: Where to.
        table: Ranks.
        title: First line.

    Source: Demsar 2006, figure 1 (critical difference diagram).
    """
    from matplotlib.figure import Figure

    count, bars = len(table.methods), cliques(table)
    half = -(-count // 2)
    depth = _STEP * (len(bars) + half + 1.5)
    figure = Figure(figsize=(7.6, depth + 1.0))
    axes = figure.subplots()
    axes.set(xlim=(1 - 0.45 * count, 1.45 * count), ylim=(-depth, 0.95))
    axes.set_axis_off()
    axes.plot([1, count], [0, 0], color=INK, linewidth=1)
    for tick in range(1, count + 1):
        axes.plot([tick, tick], [0, 0.07], color=INK, linewidth=1)
        axes.text(tick, 0.1, str(tick), ha="center", va="bottom", fontsize=8, color=QUIET)
    width = min(table.critical_difference, count - 1)
    axes.plot([1, 1 + width], [0.5, 0.5], color=COLOURS[1], linewidth=2)
    told = f"critical difference {table.critical_difference:.2f}, {table.blocks} cohorts"
    told += ", longer than the axis" if table.critical_difference > count - 1 else ""
    axes.text(1, 0.56, told, fontsize=8, color=COLOURS[1], va="bottom")
    for i, (first, last) in enumerate(bars):
        ends = [table.ranks[first] - 0.05, table.ranks[last] + 0.05]
        axes.plot(ends, [-_STEP * (i + 0.75)] * 2, color=COLOURS[0], linewidth=3, solid_capstyle="round")
    for i, (name, rank) in enumerate(zip(table.methods, table.ranks, strict=True)):
        left = i < half
        at = -_STEP * (len(bars) + 1 + (i if left else count - 1 - i))
        edge = 0.7 if left else float(count) + 0.3
        axes.plot([rank, rank, edge], [0, at, at], color=QUIET, linewidth=0.8)
        said = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        axes.text(
            edge - 0.06 if left else edge + 0.06,
            at,
            said,
            ha="right" if left else "left",
            va="center",
            fontsize=9,
            color=INK,
        )
    if title:
        axes.set_title(title, fontsize=11, color=INK, loc="left")
    save_figure(path, figure)


def cliques(table: RankTable) -> list[tuple[int, int]]:
    """First and last place of each longest run of methods that are not told apart."""
    found: list[tuple[int, int]] = []
    for first, low in enumerate(table.ranks):
        within = [i for i, rank in enumerate(table.ranks) if 0 <= rank - low < table.critical_difference]
        last = max((i for i in within if i >= first), default=first)
        if last > first and (not found or last > found[-1][1]) and math.isfinite(low):
            found.append((first, last))
    return found
