"""A scale bar on a slide picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bar_length(width_px: float, mpp: float) -> tuple[float, str]:
    """A round length (1, 2 or 5 times a power of ten) of about a fifth of the picture.

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
        return length, f"{length:g} px (mpp unknown)"
    return length / unit, f"{length / 1000:g} mm" if length >= 1000 else f"{length:g} µm"


def draw_scale_bar(axes: Axes, mpp: float) -> None:
    """Draw the bar in the lower left corner of axes whose data units are level-0 pixels, y downwards."""
    from matplotlib.patches import Rectangle

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width, height = right - left, bottom - top
    length, label = bar_length(width, mpp)
    pad, thick = 0.02 * max(width, height), 0.008 * max(width, height)
    x, y = left + 2 * pad, bottom - 2 * pad
    text = axes.text(
        x + length / 2,
        y - thick - pad * 0.4,
        label,
        ha="center",
        va="bottom",
        fontsize=9,
        color="black",
        zorder=6,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2.0},
    )
    text.set_clip_on(False)
    box = (x - pad * 0.4, y - thick - pad * 0.4)
    axes.add_patch(
        Rectangle(box, length + pad * 0.8, thick + pad * 0.8, facecolor="white", alpha=0.85, zorder=5)
    )
    axes.add_patch(Rectangle((x, y - thick), length, thick, facecolor="black", zorder=6))
