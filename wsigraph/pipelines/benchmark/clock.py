"""How long a grid still takes, from the cells that are done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Kind = tuple[str, str, float]
"""Cohort, method and share: cells of one kind take about as long as each other."""


@dataclass
class Clock:
    """Seconds of finished cells by kind."""

    _spent: dict[Kind, list[float]] = field(default_factory=dict)

    def tell(self, kind: Kind, seconds: float) -> None:
        """A cell of this kind took so long."""
        self._spent.setdefault(kind, []).append(seconds)

    def left(self, pending: Iterable[Kind]) -> float:
        """Seconds that the cells of these kinds will take: the mean of their kind, or of all that were timed.

        NaN before anything was timed and something is pending.
        """
        means = {kind: sum(spent) / len(spent) for kind, spent in self._spent.items()}
        usual = sum(means.values()) / len(means) if means else float("nan")
        return sum((means.get(kind, usual) for kind in pending), 0.0)


def spoken(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
