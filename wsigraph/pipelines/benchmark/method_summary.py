"""What one method of a contest came to: its metric, calibration and cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from wsigraph.evaluation.intervals import point
from wsigraph.evaluation.metrics import brier, ece
from wsigraph.pipelines.benchmark.measured import Measured
from wsigraph.pipelines.benchmark.plan import PLAIN

_Cells = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class MethodSummary:
    """One row of a contest.

    Args:
        name: ``recipe`` or ``recipe+control``.
        kind: ``"graph"``, ``"sequence"`` or ``"set"``, of a control that of its recipe.
        control: ``"none"``, or what was taken from it.
        value: The contest's metric, mean of the seeds.
        low: Lower end of its 95 % interval over patients.
        high: Upper end.
        per_seed: The metric of each seed alone.
        val_loss: Lowest validation loss, mean of seeds and folds; NaN where unknown.
        ece: Expected calibration error; NaN where answers are no probabilities of classes.
        brier: Brier score, 0 to 2; NaN likewise.
        parameters: Trained parameters.
        seconds: Median of a cell; NaN where unknown.
        cpu_seconds: Median processor seconds of a cell.
        peak_memory: Most bytes that a cell's process grew by.
        cells: Names of its cells.
    """

    name: str
    kind: str
    control: str
    value: float
    low: float
    high: float
    per_seed: tuple[float, ...]
    val_loss: float
    ece: float
    brier: float
    parameters: int
    seconds: float
    cpu_seconds: float
    peak_memory: float
    cells: tuple[str, ...]

    @property
    def plain(self) -> bool:
        """Whether it is the method itself and not a control of it."""
        return self.control == PLAIN


def method_summary(name: str, cells: _Cells, measured: Measured, *, classes: bool) -> MethodSummary:
    """Put a method's cells and its measured answers together.

    Args:
        name: The method.
        cells: Its cells that are compared, all of one share.
        measured: Their answers.
        classes: Whether the answers are probabilities of classes.
    """
    nan, found = float("nan"), measured.found
    return MethodSummary(
        name=name,
        kind=cells[0]["kind"],
        control=cells[0]["control"],
        value=found.value,
        low=found.low,
        high=found.high,
        per_seed=measured.per_seed,
        val_loss=_over(fmean, cells, "val_loss", whole=True),
        ece=float(point(measured.sample, ece)) if classes else nan,
        brier=float(point(measured.sample, brier)) if classes else nan,
        parameters=cells[0]["parameters"],
        seconds=_over(median, cells, "seconds"),
        cpu_seconds=_over(median, cells, "cpu_seconds"),
        peak_memory=_over(max, cells, "peak_memory"),
        cells=tuple(cell["name"] for cell in cells),
    )


def _over(take: Any, cells: _Cells, key: str, *, whole: bool = False) -> float:
    """A number over the cells that know it; NaN where none does, or, if asked for the whole, one does not."""
    known = [cell[key] for cell in cells if cell[key] is not None and math.isfinite(cell[key])]
    if not known or (whole and len(known) < len(cells)):
        return float("nan")
    return float(take(known))
