"""Numbers as a report writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping

MUTED = "not defined"


def shown(cell: Mapping[str, float | None]) -> tuple[str, str]:
    """A value and its interval as text: ``("0.912", "0.850 to 0.960")``; what is undefined says so."""
    value, low, high = (cell.get(part) for part in ("value", "low", "high"))
    number = MUTED if value is None or math.isnan(value) else f"{value:.3f}"
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return number, ""
    return number, f"{low:.3f}\u00a0to\u00a0{high:.3f}"


def in_one_cell(cell: Mapping[str, float | None]) -> str:
    """``"0.912 (0.850 to 0.960)"``."""
    value, interval = shown(cell)
    return f"{value} ({interval})" if interval else value
