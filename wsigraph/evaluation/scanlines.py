"""Horizontal lines cut by polygons: which parts of them are covered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scanlines:
    """Places along many horizontal lines at which cover begins or ends.

    Args:
        ptr: ``[L + 1]`` int64, where the places of each line start.
        x: ``[E]`` float64, the places, rising within a line.
        covered: ``[E]`` bool, whether the line is covered behind it.
        length: ``[E]`` float64, covered length of this line, and of those before it, up to it.
    """

    ptr: np.ndarray
    x: np.ndarray
    covered: np.ndarray
    length: np.ndarray

    @classmethod
    def through(cls, vertices: np.ndarray, ptr: np.ndarray, hole: np.ndarray, lines: np.ndarray) -> Scanlines:
        """Cut polygons by the lines ``y = lines``.

        Within a polygon cover is by odd and even crossings; polygons are joined, holes taken out.

        Args:
            vertices: ``[V, 2]`` (x, y).
            ptr: ``[P + 1]``, where each polygon starts.
            hole: ``[P]`` bool.
            lines: ``[L]`` float64, rising.
        """
        line, polygon, x = _crossings(vertices, ptr, lines)
        order = np.lexsort((x, polygon, line))
        step = np.empty(len(order), np.int64)  # in or out: a polygon crosses a line an even number of times
        step[order] = 1 - 2 * (np.arange(len(order)) % 2)
        order = np.lexsort((x, line))
        x, step, out = x[order], step[order], hole[polygon[order]]
        depth = np.cumsum(np.where(out, 0, step))
        taken = np.cumsum(np.where(out, step, 0))
        covered = (depth > 0) & (taken == 0)  # never behind the last place of a line
        gaps = np.where(covered, np.diff(x, append=x[-1:]), 0.0)
        starts = np.searchsorted(line[order], np.arange(len(lines) + 1))
        return cls(starts, x, covered, np.cumsum(gaps) - gaps)

    def covers(self, line: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Whether lines are covered at places.

        Shape: line ``[N]`` int, x ``[N]`` -> ``[N]`` bool.
        """
        last = self._last(line, x)
        behind = last >= self.ptr[line]
        return behind & np.append(self.covered, False)[np.where(behind, last, -1)]

    def left_of(self, line: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Covered length of lines to the left of places.

        Shape: line ``[N]`` int, x ``[N]`` -> ``[N]`` float64.
        """
        last = self._last(line, x)
        behind = last >= self.ptr[line]
        at, first = (np.where(behind, index, -1) for index in (last, self.ptr[line]))
        length, covered, places = (np.append(v, 0.0) for v in (self.length, self.covered, self.x))
        return length[at] - length[first] + covered[at] * (x - places[at])

    def _last(self, line: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The last place of each line at or before x, by bisection; one too few where there is none."""
        low, high = self.ptr[line], self.ptr[line + 1]
        for _ in range(int(np.diff(self.ptr).max(initial=0)).bit_length()):
            middle = (low + high) // 2
            undecided = low < high
            before = undecided & (self.x[np.where(undecided, middle, 0)] <= x)
            low = np.where(before, middle + 1, low)
            high = np.where(undecided & ~before, middle, high)
        return low - 1


def _crossings(
    vertices: np.ndarray, ptr: np.ndarray, lines: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Line, polygon and x of each place where an edge meets a line.

    An edge holds its upper end and not its lower one, so that a line through a vertex is crossed once, or,
    where the polygon only touches it, twice or never.
    """
    following = np.arange(1, len(vertices) + 1)
    polygon = np.repeat(np.arange(len(ptr) - 1), np.diff(ptr))
    filled = np.diff(ptr) > 0
    following[ptr[1:][filled] - 1] = ptr[:-1][filled]
    (x0, y0), (x1, y1) = vertices.T, vertices[following].T
    first = np.searchsorted(lines, np.minimum(y0, y1))
    count = np.searchsorted(lines, np.maximum(y0, y1)) - first
    edge = np.repeat(np.arange(len(vertices)), count)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    share = (lines[line] - y0[edge]) / (y1[edge] - y0[edge])
    return line, polygon[edge], x0[edge] + share * (x1[edge] - x0[edge])
