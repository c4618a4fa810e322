"""What all pictures share: how they are saved, and colours that colour-blind readers tell apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wsigraph.io.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#24292f"
QUIET = "#6e7781"
MOST_COLUMNS = 3
COLOURS = ("#0969da", "#d1570c", "#1a7f37", "#8250df", "#bf3989", "#6e7781")


def save_figure(path: str | Path, figure: Figure, *, dpi: int = 130) -> None:
    """Write a figure as PNG, atomically, without a display."""
    with atomic_path(path) as temporary:
        figure.savefig(
            temporary, format="png", dpi=dpi, facecolor="white", bbox_inches="tight", pad_inches=0.12
        )


def panel_grid(count: int, *, size: tuple[float, float], above: float = 0.0) -> tuple[Figure, list[Axes]]:
    """A figure of panels, up to three in a line, and its panels in reading order.

    Args:
        count: How many panels.
        size: Width and height of one, in inches.
        above: Height left above them for a title or a legend, in inches.
    """
    from matplotlib.figure import Figure

    columns = min(MOST_COLUMNS, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * lines + above), layout="constrained")
    grid = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in grid[count:]:
        axes.set_visible(False)
    return figure, grid[:count]


def plain_axes(axes: Axes) -> None:
    """Quiet frame and grid, so that the data is what is seen."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=QUIET, labelsize=8)
    axes.grid(True, color="#d8dee4", linewidth=0.6)
    axes.set_axisbelow(True)
