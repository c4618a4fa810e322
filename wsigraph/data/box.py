"""A rectangle, never a bare tuple (width and height get swapped otherwise)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle in level-0 pixels.

    Args:
        x: Left edge.
        y: Top edge.
        width: Extent along x.
        height: Extent along y.

    Units: level-0 pixels unless said otherwise.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """First x beyond the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """First y beyond the rectangle."""
        return self.y + self.height

    def scaled(self, factor: float) -> Box:
        """The same rectangle in units of ``1 / factor``."""
        return Box(self.x * factor, self.y * factor, self.width * factor, self.height * factor)
