"""Cells of a grid: what each is called, in which order they come, and who trains which."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wsigraph.errors import RunError, expected
from wsigraph.pipelines.benchmark.arms import Arm
from wsigraph.pipelines.benchmark.clock import Kind
from wsigraph.pipelines.benchmark.plan import PLAIN, BenchmarkPlan
from wsigraph.pipelines.benchmark.ready import Ready
from wsigraph.training.splits import Split

_SHARD = re.compile(r"([1-9][0-9]*)/([1-9][0-9]*)")
_DIGITS, _LONGEST = 16, 150


@dataclass(frozen=True)
class Cell:
    """One network: a method, trained on one fold of one seed.

    Args:
        ready: The contest.
        arm: The method.
        seed: The seed.
        place: Number of the fold, from 0.
        share: Share of the training slides.
        code: What the code stands at.
    """

    ready: Ready
    arm: Arm
    seed: int
    place: int
    share: float
    code: str

    @property
    def split(self) -> Split:
        """The sides."""
        return self.ready.splits[self.seed][self.place]

    @property
    def shows(self) -> bool:
        """Whether it keeps where it looks on a few slides: the first fold of the lowest seed."""
        first = self.seed == min(self.ready.splits) and self.place == 0
        return first and self.share == 1.0 and self.arm.control == PLAIN

    @property
    def kind(self) -> Kind:
        """Cells of one kind take about as long as each other."""
        return (self.ready.contest.name, self.arm.name, self.share)

    @property
    def facts(self) -> dict[str, object]:
        """What says which cell it is, as results hold it."""
        return {
            "cohort": self.ready.contest.name,
            "recipe": self.arm.recipe_name,
            "control": self.arm.control,
            "seed": self.seed,
            "fold": self.place,
            "folds": len(self.ready.splits[self.seed]),
            "share": self.share,
            "code": self.code,
        }

    @property
    def name(self) -> str:
        """What it is, and a hash of all that its result depends on: recipe, slides, sides, seed, code."""
        split = (self.split.train, self.split.val, self.split.test)
        content = {
            **self.facts,
            "settings": self.arm.recipe.to_dict(),
            "slides": self.ready.digest,
            "sides": [list(side) for side in split],
        }
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS]
        what = f"{self.ready.contest.name}-{self.arm.name}"[:_LONGEST]
        share = "" if self.share == 1.0 else f"-share{self.share:g}"
        return f"{what}-seed{self.seed}-fold{self.place}{share}-{digest}"


@dataclass(frozen=True)
class Shard:
    """One of ``count`` jobs that share a grid.

    Args:
        index: Which, from 1.
        count: Of how many.

    Raises: RunError: if there is no such job.
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise RunError(expected("Shard", f"1 to {self.count} of {self.count}", f"{self.index}"))

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``"2/8"``: the second of eight.

        Raises: RunError: for other text.
        """
        found = _SHARD.fullmatch(text.strip())
        if found is None:
            raise RunError(expected("--shard", "i/n with i from 1 to n, as 2/8", f"'{text}'"))
        return cls(int(found[1]), int(found[2]))

    def deal(self, cells: Sequence[Cell]) -> list[Cell]:
        """The cells of this job: every ``count``-th, so that no cell is in two jobs and each is in one."""
        return list(cells[self.index - 1 :: self.count])


WHOLE = Shard()
"""One job alone."""


def cells_of(plan: BenchmarkPlan, ready: Iterable[Ready]) -> list[Cell]:
    """Every cell: a whole seed of every cohort before the next one, so that early results are comparable, and
    in it a whole fold of every method, so that it soon shows how long each takes.
    """
    contests = list(ready)
    return [
        Cell(contest, arm, seed, place, share, plan.code)
        for seed in plan.seeds
        for contest in contests
        for share in plan.shares
        for place in range(len(contest.splits[seed]))
        for arm in contest.arms
    ]
