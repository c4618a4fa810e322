"""Finished cells as answers that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import read_json
from wsigraph.pipelines.benchmark.plan import PLAIN

CELLS, FAILED, TRAINING = "cells", "failed", "training"
"""Folders of a benchmark: results, reasons of failures, networks while they are trained."""

_KIND = ("cohort", "recipe", "control", "share")


@dataclass(frozen=True)
class Results:
    """Finished cells.

    Args:
        cells: What each wrote, and its ``name``.
    """

    cells: tuple[Mapping[str, Any], ...]

    def cohorts(self) -> list[str]:
        """Names of cohorts, in order."""
        return sorted({cell["cohort"] for cell in self.cells})

    def finished(self, cohort: str, *, share: float = 1.0) -> dict[str, tuple[int, ...]]:
        """By method, the seeds of which every fold is there."""
        folds: dict[tuple[str, int], set[int]] = {}
        most: dict[tuple[str, int], int] = {}
        for cell in self._of(cohort, share):
            key = (method_of(cell), cell["seed"])
            folds.setdefault(key, set()).add(cell["fold"])
            most[key] = cell["folds"]
        whole: dict[str, list[int]] = {name: [] for name, _ in sorted(folds)}
        for name, seed in sorted(folds):
            if len(folds[name, seed]) == most[name, seed]:
                whole[name].append(seed)
        return {name: tuple(seeds) for name, seeds in whole.items()}

    def answers(self, cohort: str, *, share: float = 1.0) -> dict[str, list[Any]]:
        """Answers by method, a repeat for each seed, on the seeds that all methods have finished.

        A method without one finished seed is left out; ``finished`` shows it.

        Args:
            cohort: Its name.
            share: Of the training slides.
        """
        seeds = {name: set(done) for name, done in self.finished(cohort, share=share).items() if done}
        common = set.intersection(*seeds.values()) if seeds else set()
        found: dict[str, list[Any]] = {name: [] for name in seeds}
        for cell in sorted(self._of(cohort, share), key=lambda c: (c["seed"], c["fold"])):
            if cell["seed"] in common and method_of(cell) in found:
                found[method_of(cell)] += [row_of(value) for value in cell["rows"]]
        return found if common else {}

    def curve(self, cohort: str, method: str) -> dict[float, list[Any]]:
        """Answers of one method by share of the training slides, on the seeds finished at every share."""
        shares = sorted({cell["share"] for cell in self.cells if cell["cohort"] == cohort})
        seeds = {share: set(self.finished(cohort, share=share).get(method, ())) for share in shares}
        there = {share: done for share, done in seeds.items() if done}
        common = set.intersection(*there.values()) if there else set()
        return {
            share: [
                row_of(value)
                for cell in sorted(self._of(cohort, share), key=lambda c: (c["seed"], c["fold"]))
                if method_of(cell) == method and cell["seed"] in common
                for value in cell["rows"]
            ]
            for share in (there if common else ())
        }

    def _of(self, cohort: str, share: float) -> list[Mapping[str, Any]]:
        return [cell for cell in self.cells if cell["cohort"] == cohort and cell["share"] == share]


def read_results(out: str | Path, *, names: Iterable[str] | None = None) -> Results:
    """Results of a benchmark folder.

    Args:
        out: The folder.
        names: Cells to read, those of them that are finished; every finished cell where not given.

    Raises: RunError: if two results are of the same cell under other settings, slides or code.
    """
    folder = Path(out) / CELLS
    wanted = None if names is None else set(names)
    files = [f for f in sorted(folder.glob("*.json")) if wanted is None or f.stem in wanted]
    cells, seen = [], dict[tuple[Any, ...], str]()
    for file in files:
        cell = {"name": file.stem, **read_json(file)}
        key = tuple(cell[name] for name in (*_KIND, "seed", "fold"))
        if key in seen:
            got = f"'{seen[key]}' and '{file.stem}'"
            todo = "Name the cells of one plan, as run_benchmark returns them."
            raise RunError(expected(f"Benchmark '{out}'", "one result of each cell", got, todo=todo))
        seen[key] = file.stem
        cells.append(cell)
    return Results(tuple(cells))


def method_of(cell: Mapping[str, Any]) -> str:
    """``recipe`` or ``recipe+control``."""
    return cell["recipe"] if cell["control"] == PLAIN else f"{cell['recipe']}+{cell['control']}"


def row_of(value: Mapping[str, Any]) -> Prediction | Estimate:
    """An answer from plain values; unknown entries of a target, null in JSON, are NaN."""
    if "probabilities" in value:
        return Prediction(**{**value, "probabilities": tuple(value["probabilities"])})
    target = tuple(float("nan") if entry is None else entry for entry in value["target"])
    return Estimate(**{**value, "values": tuple(value["values"]), "target": target})
