"""How long jobs tell of their progress, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Receives the progress of a job; the command line draws it with rich on stderr."""

    def start(self, task: str, total: int) -> None:
        """A task of ``total`` steps begins (or begins anew with another total)."""

    def advance(self, task: str, steps: int = 1) -> None:
        """``steps`` more of ``task`` are done."""

    def finish(self, task: str) -> None:
        """``task`` is over."""

    def say(self, text: str) -> None:
        """A line for a person: a warning, a failed slide, a result."""


class Silent:
    """A reporter that nobody reads."""

    def start(self, task: str, total: int) -> None:
        """Do nothing."""

    def advance(self, task: str, steps: int = 1) -> None:
        """Do nothing."""

    def finish(self, task: str) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""
