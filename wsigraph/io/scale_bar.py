"""A scale bar under a slide picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BELOW = 11.0  # points between the picture and the bar


def bar_length(width_px: float, mpp: float) -> tuple[float, str]:
    """A round length (1, 2 or 5 times a power of ten) of at most a fifth of the picture.

    Args:
        width_px: Width of the picture.
        mpp: Microns per level-0 pixel, NaN where unknown.

    Returns: The length in level-0 pixels, and its label: um or mm, or px where mpp is unknown, saying so.
    Units: level-0 pixels.
    """
    known = math.isfinite(mpp) and mpp > 0
    unit = mpp if known else 1.0
    target = width_px * unit / 5
    power = 10.0 ** math.floor(math.log10(target))
    length = next(step * power for step in (5, 2, 1) if step * power <= target * (1 + 1e-9))
    if not known:
        return length, f"{length:g} px (um per pixel unknown)"
    return length / unit, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def draw_scale_bar(axes: Axes, mpp: float) -> None:
    """Draw the bar under axes whose data units are level-0 pixels, where it covers no tissue."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation

    left, right = axes.get_xlim()
    length, label = bar_length(right - left, mpp)
    figure = axes.figure
    below = axes.get_xaxis_transform() + ScaledTranslation(0, -_BELOW / 72, figure.dpi_scale_trans)
    axes.add_line(
        Line2D(
            [left, left + length],
            [0, 0],
            transform=below,
            color="black",
            linewidth=3.5,
            solid_capstyle="butt",
            clip_on=False,
        )
    )
    axes.annotate(
        label,
        xy=(left + length, 0),
        xycoords=("data", "axes fraction"),
        xytext=(6, -_BELOW),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=9,
        annotation_clip=False,
    )
