"""Weights that change over the epochs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """A weight that moves linearly from ``start`` to ``end`` over the epochs.

    Args:
        start: Weight in the first epoch.
        end: Weight in the last epoch; None keeps ``start``.
    """

    start: float
    end: float | None = None

    def at(self, epoch: int, epochs: int) -> float:
        """Weight in ``epoch`` of ``epochs``, counted from 0."""
        if self.end is None or epochs <= 1:
            return self.start
        return self.start + (self.end - self.start) * min(epoch, epochs - 1) / (epochs - 1)
