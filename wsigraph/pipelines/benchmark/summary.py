"""A benchmark folder as one value: every contest, ranks over contests, what failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wsigraph.errors import RunError, expected
from wsigraph.evaluation.ranks import RankTable, rank_table
from wsigraph.pipelines.benchmark.cohort_summary import CohortSummary, summarise_cohort
from wsigraph.pipelines.benchmark.results import read_results
from wsigraph.pipelines.benchmark.run import read_failures
from wsigraph.pipelines.benchmark.verdict import MARGIN

_KEYS = ("kind", "synthetic", "slides_sha256", "val_loss", "peak_memory")


@dataclass(frozen=True)
class Summary:
    """What a benchmark found.

    Args:
        cohorts: Contests in order of their names, made-up ones last.
        ranks: Mean ranks over ``"real"`` and over ``"synthetic"`` cohorts, where two or more of them have two
            methods in common; made-up cohorts are ranked apart, controls are not ranked. Of contests on the
            same slides the first one counts; cohorts of set methods alone do where none has both kinds.
        failed: Reason by cell.
        unfinished: Cohorts without a seed that methods have in common.
        margin: Smallest gain worth having.
        resamples: Of each interval, and permutations.
    """

    cohorts: tuple[CohortSummary, ...]
    ranks: Mapping[str, RankTable]
    failed: Mapping[str, str]
    unfinished: tuple[str, ...]
    margin: float
    resamples: int

    def text(self) -> str:
        """The answer of each cohort, a line each."""
        return "\n".join(f"{one.title}: {one.sentence}" for one in self.cohorts)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, cohorts and methods by name; undefined numbers are NaN."""
        told = asdict(self)
        told["cohorts"] = {one["name"]: one for one in told["cohorts"]}
        for one in told["cohorts"].values():
            one["methods"] = {method["name"]: method for method in one["methods"]}
        return told


def summarise(
    out: str | Path, *, names: Iterable[str] | None = None, margin: float = MARGIN, resamples: int = 2000
) -> Summary:
    """Compare the methods of a benchmark folder.

    Of each contest the best set and the best graph method are chosen by validation loss and then compared on
    the slides that neither was trained on; beside it stands the family fixed beforehand, every graph method
    less one set method. Only seeds that all methods of a contest finished count.

    Args:
        out: The folder that ``run_benchmark`` filled.
        names: Cells to read, as ``run_benchmark`` returns them; every cell where not given.
        margin: A gain that is surely smaller is called none.
        resamples: Of each interval, and permutations.

    Raises: RunError: if no cell is finished, a cell is of an older kind, two are of one place, or methods
        answered other slides.
    """
    wanted = None if names is None else set(names)
    results = read_results(out, names=wanted)
    _check(out, results.cells)
    found = {
        name: summarise_cohort(results, name, margin=margin, resamples=resamples)
        for name in results.cohorts()
    }
    cohorts = sorted((one for one in found.values() if one is not None), key=lambda one: one.synthetic)
    return Summary(
        cohorts=tuple(cohorts),
        ranks=_ranks(cohorts),
        failed={k: why for k, why in read_failures(out).items() if wanted is None or k in wanted},
        unfinished=tuple(name for name, one in found.items() if one is None),
        margin=margin,
        resamples=resamples,
    )


def _check(out: str | Path, cells: Sequence[Mapping[str, Any]]) -> None:
    if not cells:
        raise RunError(expected(f"Benchmark '{out}'", "at least one finished cell", "none"))
    for cell in cells:
        lacking = [key for key in _KEYS if key not in cell]
        if lacking:
            where = f"Cell '{cell['name']}'"
            todo = "Delete the file and run the benchmark again."
            raise RunError(expected(where, f"an entry '{lacking[0]}'", "none", todo=todo))


def _ranks(cohorts: Sequence[CohortSummary]) -> dict[str, RankTable]:
    """Of the methods that every cohort of a sort has; cohorts must be independent, so each counts once.

    Cohorts without either kind of method are passed over where others have both.
    """
    tables = {}
    asked = [one for one in cohorts if one.gain is not None] or cohorts
    once = {one.slides_sha256: one for one in reversed(asked)}
    for sort, made_up in (("real", False), ("synthetic", True)):
        scores = {
            one.name: {m.name: m.value for m in one.methods if m.plain and math.isfinite(m.value)}
            for one in reversed(once.values())
            if one.synthetic == made_up
        }
        common = set.intersection(*map(set, scores.values())) if scores else set()
        if len(scores) > 1 and len(common) > 1:
            tables[sort] = rank_table({c: {m: row[m] for m in common} for c, row in scores.items()})
    return tables
