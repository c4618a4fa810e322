"""What all tasks share that predict the time to an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wsigraph.data.tasks.base import Target, Task
from wsigraph.data.tasks.cells import is_empty, number, yes_or_no
from wsigraph.errors import CohortError, expected


@dataclass(frozen=True)
class Survival(Task):
    """The time until an event, known in full or only to be longer (censored).

    A target row is (time, event): event 1 where it happened at that time, 0 where the time is the last one
    without it.

    Args:
        time_col: Column of times, from 0, in any unit.
        event_col: Column with 1 (the event happened) or 0 (censored).
    """

    time_col: str = "time"
    event_col: str = "event"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.time_col, self.event_col)

    def missing(self, cells: Mapping[str, str]) -> str:
        if is_empty(cells[self.time_col]):
            return f"no time in column '{self.time_col}'"
        return f"no event in column '{self.event_col}'" if is_empty(cells[self.event_col]) else ""

    def row(self, cells: Mapping[str, str], classes: Sequence[str], *, where: str) -> tuple[float, ...]:
        """Time and event."""
        time = number(cells[self.time_col], where=where, column=self.time_col)
        if time < 0:
            raise CohortError(
                expected(where, f"a time from 0 in column '{self.time_col}'", f"'{cells[self.time_col]}'")
            )
        meaning = "1 (event) or 0 (censored)"
        event = yes_or_no(cells[self.event_col], where=where, column=self.event_col, meaning=meaning)
        return time, event

    def check_classes(self, classes: Sequence[str]) -> str:
        return "" if not classes else f"survival has no classes, got {list(classes)}"

    def target_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return "time", "event"

    def strata(self, targets: Sequence[Target], classes: Sequence[str]) -> list[str]:
        """Whether the event happened."""
        rows = [target if isinstance(target, tuple) else (0.0, 0.0) for target in targets]
        return ["event" if row[1] else "censored" for row in rows]


def times_and_events(targets: Sequence[Target]) -> tuple[list[float], list[bool]]:
    """Times and events of target rows.

    Raises: CohortError: if no event happened: nothing can be learned then.
    """
    rows = [target for target in targets if isinstance(target, tuple)]
    if not any(row[1] for row in rows):
        raise CohortError(
            expected(
                "Training slides",
                "at least one slide with an event",
                f"{len(rows)} slides that are all censored",
                todo="Use fewer folds, or more slides.",
            )
        )
    return [row[0] for row in rows], [bool(row[1]) for row in rows]
