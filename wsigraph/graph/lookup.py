"""Who stands on a cell of the lattice: a table where it is dense, a binary search where it is not."""

from __future__ import annotations

import numpy as np

CELLS_PER_POSITION = 64
"""Above this many cells per occupied one, a table of all cells costs more than searching."""


class CellLookup:
    """Find the position at an offset from each position.

    Args:
        cells: ``[M, 2]`` distinct lattice indices (x, y) in row-major order.
        reach: Largest offset asked for, in cells.
    """

    def __init__(self, cells: np.ndarray, reach: int) -> None:
        low = cells - cells.min(axis=0)
        self._width = int(low[:, 0].max()) + 1 + 2 * reach
        height = int(low[:, 1].max()) + 1 + 2 * reach
        self._keys = (low[:, 1] + reach) * self._width + low[:, 0] + reach
        self._table: np.ndarray | None = None
        if self._width * height <= CELLS_PER_POSITION * len(cells) + 65536:
            self._table = np.full(self._width * height, -1, dtype=np.int32)
            self._table[self._keys] = np.arange(len(cells), dtype=np.int32)

    def at(self, dx: int, dy: int) -> np.ndarray:
        """``[M]`` position at offset (dx, dy) of each position, -1 where the cell is empty."""
        wanted = self._keys + (dy * self._width + dx)
        if self._table is not None:
            return self._table[wanted]
        found = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where(self._keys[found] == wanted, found, -1)


def offsets_within(reach: float) -> np.ndarray:
    """Offsets (dx, dy) up to a Euclidean distance, nearest first, row-major among equals."""
    side = np.arange(-int(reach), int(reach) + 1)
    dx, dy = (grid.ravel() for grid in np.meshgrid(side, side))
    square = dx * dx + dy * dy
    keep = (square > 0) & (square <= reach * reach)
    dx, dy, square = dx[keep], dy[keep], square[keep]
    order = np.lexsort((dx, dy, square))
    return np.stack([dx, dy], axis=1)[order]
