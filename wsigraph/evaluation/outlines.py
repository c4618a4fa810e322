"""Polygons that a pathologist drew on a slide, and what lies inside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wsigraph.data.box import Box
from wsigraph.errors import SlideError, expected
from wsigraph.evaluation.scanlines import Scanlines

_POINTS = 1 << 20  # looked up at once


@dataclass(frozen=True)
class Outlines:
    """The polygons of one slide: inside is what lies in any of the solid ones and in no hole.

    A polygon is closed by itself: its last vertex is joined to its first. Where it crosses itself, a place is
    inside if an odd number of its edges lie to the left.

    Args:
        vertices: ``[V, 2]`` float64 (x, y), the polygons one after the other.
        ptr: ``[P + 1]`` int64, where each polygon starts.
        hole: ``[P]`` bool, polygons that take their inside out again.

    Units: level-0 pixels.
    Raises: SlideError: if shapes disagree or a vertex is not finite.
    """

    vertices: np.ndarray
    ptr: np.ndarray
    hole: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.hole)
        fits = self.ptr.shape == (count + 1,) and self.ptr[0] == 0 and self.ptr[-1] == len(self.vertices)
        if not fits or self.vertices.shape[1:] != (2,) or (np.diff(self.ptr) < 0).any():
            got = f"vertices {list(self.vertices.shape)} and starts {self.ptr.tolist()[:5]}"
            raise SlideError(expected("Outlines", f"vertices [V, 2] of {count} polygons", got))
        if not np.isfinite(self.vertices).all():
            raise SlideError(expected("Outlines", "finite vertices", "NaN or inf"))

    @classmethod
    def of(cls, solid: Sequence[np.ndarray], holes: Sequence[np.ndarray] = ()) -> Outlines:
        """From one ``[n, 2]`` array per polygon."""
        parts = [np.asarray(polygon, np.float64).reshape(-1, 2) for polygon in (*solid, *holes)]
        ptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        vertices = np.concatenate(parts) if parts else np.zeros((0, 2))
        return cls(vertices, ptr, np.arange(len(parts)) >= len(solid))

    def __len__(self) -> int:
        """Number of polygons."""
        return len(self.hole)

    @property
    def box(self) -> Box:
        """The rectangle around all vertices.

        Raises: SlideError: if there is none.
        """
        if not len(self.vertices):
            raise SlideError(expected("Outlines", "at least one vertex", "none"))
        (left, top), (right, bottom) = self.vertices.min(0), self.vertices.max(0)
        return Box(float(left), float(top), float(right - left), float(bottom - top))

    def scanlines(self, lines: np.ndarray) -> Scanlines:
        """The covered parts of horizontal lines at the sorted ``lines [L]``."""
        return Scanlines.through(self.vertices, self.ptr, self.hole, lines)

    def contain(self, points: np.ndarray) -> np.ndarray:
        """Which points lie inside.

        A point on a left or upper edge is inside, one on a right or lower edge is not, so that polygons side
        by side share no point.

        Shape: points ``[N, 2]`` (x, y) -> ``[N]`` bool.
        """
        inside = np.zeros(len(points), bool)
        for start in range(0, len(points), _POINTS):
            some = points[start : start + _POINTS].astype(np.float64)
            lines, line = np.unique(some[:, 1], return_inverse=True)
            inside[start : start + _POINTS] = self.scanlines(lines).covers(line, some[:, 0])
        return inside
