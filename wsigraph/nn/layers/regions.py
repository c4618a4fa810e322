"""A sequence laid out as a square and cut into regions."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def square_regions(num_rows: int, regions: int, *, device: torch.device | None = None) -> list[Tensor]:
    """Rows of each region of a square that is filled row by row.

    The square is as small as it can be with a side that ``regions`` divides; its end stays empty. Regions
    come in groups of equal size, so that nothing need be padded, and empty ones not at all.

    Args:
        num_rows: Length of the sequence.
        regions: Regions along each side.
        device: Where the indices are wanted.

    Shape: one ``[R, P]`` of indices for each size P that occurs, in a region row by row.
    """
    side = math.isqrt(max(num_rows - 1, 0)) + 1
    step = -(-side // regions)  # rows of a region
    rows = torch.arange(num_rows, device=device)
    wide = step * regions
    region = rows // wide // step * regions + rows % wide // step
    order = torch.argsort(region, stable=True)
    counts = torch.bincount(region, minlength=regions * regions)
    starts = counts.cumsum(0) - counts
    groups = []
    for size in counts.unique().tolist():
        if size:
            inside = torch.arange(size, device=device)
            groups.append(order[starts[counts == size].unsqueeze(1) + inside])
    return groups
