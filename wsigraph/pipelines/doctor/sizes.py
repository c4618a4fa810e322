"""How many patches slides have, as numbers and as lines of text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np


def sizes_histogram(sizes: Sequence[int]) -> dict[str, int]:
    """Slides by number of patches: a bin for each doubling or tenfold step of 1, 2, 5, 10, 20, 50 ..."""
    edges = [step * 10**power for power in range(10) for step in (1, 2, 5)]
    low = max(edge for edge in edges if edge <= max(1, min(sizes)))
    kept = [edge for edge in edges if edge >= low]
    places = np.searchsorted(kept, np.maximum(sizes, 1), side="right") - 1
    counts = np.bincount(places)
    return {f"{kept[i]:,} to {kept[i + 1] - 1:,}": int(count) for i, count in enumerate(counts)}


def histogram_lines(sizes: Mapping[str, int], *, width: int = 30) -> list[str]:
    """A histogram as text, one line per bin."""
    most = max(sizes.values(), default=0)
    label = max(map(len, sizes), default=0)
    count = max((len(f"{value:,}") for value in sizes.values()), default=0)
    return [
        f"{name:>{label}}  {value:>{count},}  {'#' * math.ceil(width * value / most)}"
        for name, value in sizes.items()
    ]
