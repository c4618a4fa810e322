"""Numbers that change over the epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from wsigraph.errors import RecipeError, expected

Shape = Literal["linear", "cosine", "open", "open_square"]


@dataclass(frozen=True)
class Schedule:
    """A number that moves from ``start`` to ``end`` over the epochs.

    Args:
        start: Value in the first epoch.
        end: Value in the last epoch; None keeps ``start``.
        shape: ``"linear"``; ``"cosine"``: half a wave, slow at both ends; ``"open"``: linear, but the end
            lies one epoch after the last, e / E of the way in epoch e of E; ``"open_square"``: (e / E)^2.

    Raises: RecipeError: if there is no such shape.
    """

    start: float
    end: float | None = None
    shape: Shape = "linear"

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise RecipeError(expected("Schedule", f"a shape of {list(get_args(Shape))}", f"'{self.shape}'"))

    def at(self, epoch: int, epochs: int) -> float:
        """Value in ``epoch`` of ``epochs``, counted from 0."""
        if self.shape in ("open", "open_square"):
            way = min(epoch, epochs - 1) / epochs
            return self._at(way * way if self.shape == "open_square" else way)
        return self.after(share_done(epoch, epochs))

    def after(self, done: float) -> float:
        """Value after a share of the epochs: 0 in the first, 1 in the last."""
        if self.shape == "cosine":
            done = (1.0 - math.cos(math.pi * done)) / 2.0
        return self._at(done)

    def _at(self, way: float) -> float:
        return self.start if self.end is None else self.start * (1.0 - way) + self.end * way


def share_done(epoch: int, epochs: int) -> float:
    """0 in the first of ``epochs``, 1 in the last and after; 0 where there is only one."""
    return min(epoch, epochs - 1) / (epochs - 1) if epochs > 1 else 0.0
