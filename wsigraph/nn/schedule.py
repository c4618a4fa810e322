"""Numbers that change over the epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from wsigraph.errors import RecipeError, expected


@dataclass(frozen=True)
class Schedule:
    """A number that moves from ``start`` to ``end`` over the epochs.

    Args:
        start: Value in the first epoch.
        end: Value in the last epoch; None keeps ``start``.
        shape: ``"linear"``, or ``"cosine"``: half a wave, slow at both ends.

    Raises: RecipeError: if there is no such shape.
    """

    start: float
    end: float | None = None
    shape: Literal["linear", "cosine"] = "linear"

    def __post_init__(self) -> None:
        if self.shape not in ("linear", "cosine"):
            raise RecipeError(expected("Schedule", "a shape 'linear' or 'cosine'", f"'{self.shape}'"))

    def at(self, epoch: int, epochs: int) -> float:
        """Value in ``epoch`` of ``epochs``, counted from 0."""
        return self.after(share_done(epoch, epochs))

    def after(self, done: float) -> float:
        """Value after a share of the epochs: 0 in the first, 1 in the last."""
        if self.end is None:
            return self.start
        if self.shape == "cosine":
            done = (1.0 - math.cos(math.pi * done)) / 2.0
        return self.start * (1.0 - done) + self.end * done


def share_done(epoch: int, epochs: int) -> float:
    """0 in the first of ``epochs``, 1 in the last and after; 0 where there is only one."""
    return min(epoch, epochs - 1) / (epochs - 1) if epochs > 1 else 0.0
