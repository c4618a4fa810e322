"""Several labels per slide, each present, absent or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wsigraph.data.tasks.base import Target, Task
from wsigraph.data.tasks.cells import is_empty, split_columns, yes_or_no

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class MultiLabel(Task, name="multilabel"):
    r"""Several labels, each on its own: sigmoid of each logit, learned by binary cross-entropy.

    .. math::  p_k = \sigma(y_k)

    Args:
        target_col: One column of names (``a;b``), or several columns separated by commas (``er,pr``), one per
            label, with 1 (present), 0 (absent) or nothing (unknown). In one column of names every
            label not named is absent, ``;`` alone says that none is present, and an empty cell leaves the
            slide out.

    Shape: logits ``[B, K]`` -> ``prob_<label>`` ``[B, K]``, each in 0..1.
    """

    target_col: str = "label"

    term: ClassVar[str] = "binary_cross_entropy"
    of_classes: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[str, ...]:
        return split_columns(self.target_col)

    @property
    def one_column(self) -> bool:
        """Whether names of labels stand in one column."""
        return len(self.columns) == 1

    def missing(self, cells: Mapping[str, str]) -> str:
        if not all(is_empty(cells[column]) for column in self.columns):
            return ""
        return f"no label in column{'s' * (not self.one_column)} {', '.join(map(repr, self.columns))}"

    def words(self, cells: Mapping[str, str]) -> tuple[str, ...]:
        return _names(cells[self.columns[0]]) if self.one_column else self.columns

    def in_order(self, words: Iterable[str]) -> tuple[str, ...]:
        """Names sorted; columns as they were given."""
        return tuple(sorted(words)) if self.one_column else self.columns

    def row(self, cells: Mapping[str, str], classes: Sequence[str], *, where: str) -> tuple[float, ...]:
        """1, 0 or NaN for each label."""
        if self.one_column:
            named = _names(cells[self.columns[0]])
            return tuple(float(name in named) for name in classes)
        return tuple(_entry(cells.get(name, ""), where=where, column=name) for name in classes)

    def check_classes(self, classes: Sequence[str]) -> str:
        return "" if classes else "multi-label heads need at least 1 label, got none"

    def num_outputs(self, classes: Sequence[str]) -> int:
        return len(classes)

    def answer(self, logits: Tensor) -> Tensor:
        """Probability of each label."""
        return logits.sigmoid()

    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"prob_{name}" for name in classes)

    def target_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"label_{name}" for name in classes)

    def strata(self, targets: Sequence[Target], classes: Sequence[str]) -> list[str]:
        """The labels that are present."""
        rows = [target if isinstance(target, tuple) else () for target in targets]
        return [";".join(c for c, entry in zip(classes, row, strict=False) if entry == 1.0) for row in rows]


def _names(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in cell.split(";") if name.strip()))


def _entry(cell: str, *, where: str, column: str) -> float:
    if is_empty(cell):
        return math.nan
    return yes_or_no(cell, where=where, column=column, meaning="1 (present), 0 (absent) or nothing (unknown)")
