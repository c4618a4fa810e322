"""Progress of a job on stderr, drawn by rich; plain lines where stderr is no terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

BRIEF_S = 0.5
"""Tasks shorter than this leave no line behind."""


class ScreenReporter:
    """A ``wsigraph.pipelines.reporter.Reporter`` for the command line; use it in a ``with`` statement."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
        self.said: list[str] = []

    def __enter__(self) -> ScreenReporter:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, task: str, total: int) -> None:
        """Show a bar for ``task``, or set an existing one back."""
        self._begun[task] = time.monotonic()
        if task in self._tasks:
            self._bars.reset(self._tasks[task], total=total)
        else:
            self._tasks[task] = self._bars.add_task(escape(task), total=total)

    def advance(self, task: str, steps: int = 1) -> None:
        """Move the bar of ``task``."""
        if task in self._tasks:
            self._bars.advance(self._tasks[task], steps)

    def finish(self, task: str) -> None:
        """Take the bar away and leave one line that says how long it took."""
        if task not in self._tasks:
            return
        self._bars.remove_task(self._tasks.pop(task))
        spent = time.monotonic() - self._begun.pop(task)
        if spent >= BRIEF_S:
            self._console.print(escape(f"{task}: {spent:.1f} s"), soft_wrap=True)

    def say(self, text: str) -> None:
        """A line above the bars; it is kept in ``said``, so that nothing need be said twice."""
        self.said.append(text)
        self._console.print(escape(text), soft_wrap=True)
