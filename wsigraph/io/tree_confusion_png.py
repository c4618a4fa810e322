"""A confusion matrix as a picture, its classes grouped by the label tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wsigraph.evaluation.tree_confusion import Bracket, TreeConfusion
from wsigraph.io.figure import INK, QUIET, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTER = 0.066  # inches of a letter at size 9, on the wide side
_SLANT = 40.0


def write_tree_confusion(path: str | Path, confusion: TreeConfusion, *, title: str = "") -> None:
    """Draw counts with the percentage of their row, families side by side under brackets.

    Blue cells lie in the true family (the class itself, or a sibling), orange ones outside it: a shade is the
    share of the row. Brackets above the columns and beside the rows name the classes of coarser levels.

    Args:
        path: Where to.
        confusion: Counts in the order of the tree.
        title: First line.
    """
    save_figure(path, tree_confusion_figure(confusion, title=title))


def tree_confusion_figure(confusion: TreeConfusion, *, title: str = "") -> Figure:
    """The picture of :func:`write_tree_confusion`, not yet saved."""
    from matplotlib.figure import Figure as Canvas

    size = len(confusion.classes)
    cell = 0.95 if size <= 4 else 0.78 if size <= 9 else 0.55
    figure = Canvas(figsize=(size * cell, size * cell))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
    _cells(axes, confusion, small=size > 9)
    _names(axes, confusion, cell)
    top = right = 0.12 / cell
    for _, brackets in confusion.groups:
        top = _above(axes, brackets, offset=top, cell=cell)
        right = _beside(axes, brackets, offset=right, cell=cell)
    head = -0.5 - top - 0.06 / cell
    if confusion.groups:
        told = f"blue: the true {confusion.groups[0][0]}, orange: another; shade: share of the row"
        axes.text(-0.5, head, told, fontsize=8, color=QUIET, va="bottom", ha="left")
        head -= 0.2 / cell
    if title:
        axes.text(-0.5, head, title, fontsize=11, color=INK, va="bottom", ha="left")
    return figure


@dataclass(frozen=True)
class _Shade:
    """Colour of a cell and of its text."""

    face: tuple[float, ...]
    text: str


def _cells(axes: Axes, confusion: TreeConfusion, *, small: bool) -> None:
    from matplotlib.patches import Rectangle

    counts, size = confusion.counts, len(confusion.classes)
    total = counts.sum(1)
    family = _family(confusion)
    for i in range(size):
        for j in range(size):
            share = counts[i, j] / total[i] if total[i] else 0.0
            shade = _shade(share, inside=family[i] == family[j])
            axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=shade.face, edgecolor="white"))
            percent = "" if small or not counts[i, j] else f"\n{100 * share:.0f} %"
            text = f"{counts[i, j]}{percent}"
            colour = shade.text if counts[i, j] else QUIET
            axes.text(j, i, text, ha="center", va="center", fontsize=7 if small else 9, color=colour)
    for start, stop in _runs(family):
        axes.add_patch(
            Rectangle(
                (start - 0.5, start - 0.5),
                stop - start,
                stop - start,
                fill=False,
                edgecolor=INK,
                linewidth=1.1,
                clip_on=False,
                zorder=3,
            )
        )


def _shade(share: float, *, inside: bool) -> _Shade:
    from matplotlib import colormaps

    colours = colormaps["Blues" if inside else "Oranges"]
    face = colours(0.04 + 0.86 * share) if share else (0.965, 0.97, 0.976, 1.0)
    return _Shade(face, "white" if share > 0.55 else INK)


def _names(axes: Axes, confusion: TreeConfusion, cell: float) -> None:
    names = confusion.classes
    axes.set_xticks(range(len(names)), names, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    if not _fit(names, [1] * len(names), cell):
        axes.tick_params(axis="x", labelrotation=_SLANT)
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel(f"predicted {confusion.level}", fontsize=10, color=INK)
    axes.set_ylabel(f"true {confusion.level}", fontsize=10, color=INK)
    axes.spines[:].set_visible(False)


def _above(axes: Axes, brackets: Sequence[Bracket], *, offset: float, cell: float) -> float:
    """Draw brackets above the columns; returns the offset of the next row of them, in cells."""
    tick, gap = 0.07 / cell, 0.06 / cell
    base = -0.5 - offset
    flat = _fit([b.name for b in brackets], [b.stop - b.start for b in brackets], cell)
    for bracket in brackets:
        a, b = bracket.start - 0.42, bracket.stop - 0.58
        axes.plot([a, a, b, b], [base, base - tick, base - tick, base], color=QUIET, lw=1.2, clip_on=False)
        axes.text(
            (a + b) / 2,
            base - tick - gap,
            bracket.name,
            fontsize=9,
            color=INK,
            ha="center" if flat else "left",
            va="bottom",
            rotation=0 if flat else _SLANT,
            rotation_mode="anchor",
        )
    longest = max(len(bracket.name) for bracket in brackets) * _LETTER
    height = 0.16 if flat else longest * np.sin(np.radians(_SLANT)) + 0.16
    return offset + tick + gap + (height + 0.1) / cell


def _beside(axes: Axes, brackets: Sequence[Bracket], *, offset: float, cell: float) -> float:
    """Draw brackets beside the rows; returns the offset of the next column of them, in cells."""
    tick, gap = 0.07 / cell, 0.08 / cell
    base = axes.get_xlim()[1] + offset
    for bracket in brackets:
        a, b = bracket.start - 0.42, bracket.stop - 0.58
        axes.plot([base, base + tick, base + tick, base], [a, a, b, b], color=QUIET, lw=1.2, clip_on=False)
        axes.text(base + tick + gap, (a + b) / 2, bracket.name, fontsize=9, color=INK, va="center", ha="left")
    longest = max(len(bracket.name) for bracket in brackets) * _LETTER
    return offset + tick + gap + (longest + 0.12) / cell


def _fit(names: Sequence[str], widths: Sequence[int], cell: float) -> bool:
    return all(len(name) * _LETTER < width * cell - 0.06 for name, width in zip(names, widths, strict=True))


def _family(confusion: TreeConfusion) -> list[int]:
    """Number of each row's family at the nearest coarser level; one family where there is none."""
    if not confusion.groups:
        return [0] * len(confusion.classes)
    _, brackets = confusion.groups[0]
    return [k for k, bracket in enumerate(brackets) for _ in range(bracket.start, bracket.stop)]


def _runs(family: Sequence[int]) -> list[tuple[int, int]]:
    edges = [0, *(int(k) + 1 for k in np.flatnonzero(np.diff(family))), len(family)]
    return list(pairwise(edges))
