"""How long a grid still takes, from the cells that are done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Kind = tuple[str, str, float]
"""Cohort, method and share: cells of one kind take about as long as each other."""


@dataclass
class Clock:
    """Seconds of finished cells by kind, and what is expected of kinds of which none is finished."""

    _spent: dict[Kind, list[float]] = field(default_factory=dict)
    _expected: dict[Kind, float] = field(default_factory=dict)

    def tell(self, kind: Kind, seconds: float) -> None:
        """A cell of this kind took so long."""
        self._spent.setdefault(kind, []).append(seconds)

    def expect(self, kind: Kind, seconds: float) -> None:
        """A cell of this kind should take so long; what finished cells took counts more."""
        self._expected[kind] = seconds

    def knows(self, kind: Kind) -> bool:
        """Whether a cell of this kind is finished or expected to take some time."""
        return kind in self._spent or kind in self._expected

    def left(self, pending: Iterable[Kind]) -> float:
        """Seconds that the cells of these kinds will take: the mean of their kind, or of all that were timed.

        NaN before anything was timed and something is pending.
        """
        measured = {kind: sum(spent) / len(spent) for kind, spent in self._spent.items()}
        means = {**self._expected, **measured}
        usual = sum(means.values()) / len(means) if means else float("nan")
        return sum((means.get(kind, usual) for kind in pending), 0.0)


def spoken(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
