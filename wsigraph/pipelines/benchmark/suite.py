"""A suite: a data set brought into feature files, and the contests that are held on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from wsigraph.errors import RunError, expected
from wsigraph.io.report.sections import Section
from wsigraph.pipelines.benchmark.plan import Contest
from wsigraph.pipelines.benchmark.results import Results
from wsigraph.pipelines.reporter import Reporter, Silent
from wsigraph.registry import Part


@dataclass(frozen=True)
class Wish:
    """What is asked of a suite.

    Args:
        work: Folder for the feature files it writes; what is there and whole is used again.
        data: Folder of real data, in which each suite has its own; None where there is none.
        recipes: Names of methods; the suite's own list where empty.
        changes: Settings of every method changed against the suite's: ``{"optimiser.epochs": 2}``.
        only: Names of contests; all of them where empty.
        reporter: Hears of the preparation.
    """

    work: Path
    data: Path | None = None
    recipes: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    reporter: Reporter = Silent()


class Suite(Part, ABC, family="benchmark suite", package="wsigraph.pipelines.benchmark.suites"):
    """One data set and its protocol.

    Attributes:
        title: What it is, in one line.
        needs: Its folder below the data folder; empty where the suite makes its data up.
    """

    title: ClassVar[str]
    needs: ClassVar[str] = ""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of its contests."""

    def contests(self, wish: Wish) -> list[Contest]:
        """Those that are wished for.

        Raises: RunError: if the real data are not there. WsigraphError: if they are not what they should be.
        """
        return [self.contest(name, wish) for name in self.names if not wish.only or name in wish.only]

    @abstractmethod
    def contest(self, name: str, wish: Wish) -> Contest:
        """Prepare the data of one contest and say what is compared on it.

        Args:
            name: One of ``names``.
            wish: What is asked.

        Raises: as ``contests``.
        """

    def sections(self, wish: Wish, results: Results) -> list[Section]:
        """What the report should hold beyond what every contest gets; nothing, usually.

        Args:
            wish: What was asked.
            results: Cells of this suite and of others.
        """
        return []

    def absent(self, data: Path | None) -> str:
        """Why the suite cannot be run on this machine; empty where it can."""
        if not self.needs:
            return ""
        if data is None:
            return f"needs the folder '{self.needs}': give --data or set WSIGRAPH_DATA"
        return "" if (data / self.needs).is_dir() else f"no folder '{self.needs}' in '{data}'"

    def source(self, wish: Wish) -> Path:
        """The suite's folder of real data.

        Raises: RunError: if it is not there.
        """
        why = self.absent(wish.data)
        if why or wish.data is None:
            raise RunError(expected(f"Suite '{self.name}'", "its real data", why))
        return wish.data / self.needs


def suite(name: str) -> Suite:
    """The suite called ``name``.

    Raises: UnknownPartError: if there is none.
    """
    made: Suite = Suite.registry.get(name)()
    return made
