"""One or several numbers per slide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from wsigraph.data.tasks.base import Target, Task
from wsigraph.data.tasks.cells import is_empty, number, split_columns
from wsigraph.errors import CohortError, expected

if TYPE_CHECKING:
    from torch import Tensor

STRATA = 4
"""Folds get about the same share of each quarter of the values."""


@dataclass(frozen=True)
class Regression(Task, name="regression"):
    r"""Numbers, learned by the mean squared error on the scale of the training slides.

    .. math::  v = \mu + \sigma\, y

    Args:
        target_col: One column of numbers, or several separated by commas; an empty cell is unknown.
        mean: Mean of each number over the training slides; set by ``seen``.
        std: Standard deviation of each; set by ``seen``.

    Shape: logits ``[B, K]`` -> ``value_<name>`` ``[B, K]`` in the manifest's units.
    """

    target_col: str = "label"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    term: ClassVar[str] = "mean_squared_error"

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))

    @property
    def columns(self) -> tuple[str, ...]:
        return split_columns(self.target_col)

    def missing(self, cells: Mapping[str, str]) -> str:
        if not all(is_empty(cells[column]) for column in self.columns):
            return ""
        return f"no number in column{'s' * (len(self.columns) > 1)} {', '.join(map(repr, self.columns))}"

    def in_order(self, words: Iterable[str]) -> tuple[str, ...]:
        """The columns as they were given."""
        return self.columns

    def row(self, cells: Mapping[str, str], classes: Sequence[str], *, where: str) -> tuple[float, ...]:
        """The numbers, NaN where unknown; column after column, whatever their names."""
        if len(classes) != len(self.columns):
            raise CohortError(expected(where, f"{len(classes)} columns of numbers", f"{list(self.columns)}"))
        cell = {column: cells[column] for column in self.columns}
        return tuple(
            math.nan if is_empty(text) else number(text, where=where, column=column)
            for column, text in cell.items()
        )

    def check_classes(self, classes: Sequence[str]) -> str:
        return "" if classes else "regression needs the names of its values as classes, got none"

    def num_outputs(self, classes: Sequence[str]) -> int:
        return len(classes)

    def answer(self, logits: Tensor) -> Tensor:
        """Values in the manifest's units."""
        if not self.mean:
            return logits
        return logits * logits.new_tensor(self.std) + logits.new_tensor(self.mean)

    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"value_{name}" for name in classes)

    def target_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"target_{name}" for name in classes)

    def seen(self, targets: Sequence[Target]) -> Regression:
        """The task, knowing mean and spread of the training slides.

        Raises: CohortError: if all values of a column are equal or unknown.
        """
        rows = np.array(targets, dtype=np.float64)
        known = [column[~np.isnan(column)] for column in rows.T]
        flat = [k for k, column in enumerate(known) if len(column) < 2 or column.std() == 0.0]
        if flat:
            some = sorted(set(known[flat[0]].tolist()))
            raise CohortError(
                expected("Training slides", f"values {flat[0]} of the task that differ", f"only {some}")
            )
        return replace(
            self,
            mean=tuple(float(column.mean()) for column in known),
            std=tuple(float(column.std()) for column in known),
        )

    def step_target(self, target: Tensor) -> Tensor:
        """In standard deviations from the mean of the training slides."""
        if not self.mean:
            return target
        return (target - target.new_tensor(self.mean)) / target.new_tensor(self.std)

    def strata(self, targets: Sequence[Target], classes: Sequence[str]) -> list[str]:
        """The quarter of the cohort that the first value lies in."""
        first = np.array([target[0] for target in targets if isinstance(target, tuple)], dtype=np.float64)
        known = first[~np.isnan(first)]
        if not len(known):
            return ["unknown"] * len(first)
        cuts = np.quantile(known, np.arange(1, STRATA) / STRATA)
        parts = np.searchsorted(cuts, first, side="left")
        return ["unknown" if math.isnan(v) else f"part {k}" for v, k in zip(first, parts, strict=True)]
