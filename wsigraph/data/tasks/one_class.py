"""Tasks in which a slide has one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.base import Target, Task
from wsigraph.data.tasks.cells import is_empty

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OneClass(Task):
    r"""What all tasks share in which a slide has one class.

    .. math::  p_k = \mathrm{softmax}(y)_k

    Args:
        target_col: Column of classes.
    """

    target_col: str = "label"

    term: ClassVar[str] = "cross_entropy"
    one_class: ClassVar[bool] = True
    of_classes: ClassVar[bool] = True
    monitors: ClassVar[tuple[str, ...]] = (
        *("val_loss", "val_total", "val_auc", "val_accuracy", "val_accuracy_auc", "last"),
    )

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.target_col,)

    def missing(self, cells: Mapping[str, str]) -> str:
        return f"no label in column '{self.target_col}'" if is_empty(cells[self.target_col]) else ""

    def words(self, cells: Mapping[str, str]) -> tuple[str, ...]:
        return (cells[self.target_col],)

    def row(self, cells: Mapping[str, str], classes: Sequence[str], *, where: str) -> tuple[float, ...]:
        """The index of the class alone, -1 where it is none of ``classes``."""
        label = cells[self.target_col]
        return (float(classes.index(label)) if label in classes else -1.0,)

    def told(self, cells: Mapping[str, str]) -> str:
        return cells[self.target_col]

    def check_classes(self, classes: Sequence[str]) -> str:
        return "" if len(classes) >= 2 else f"heads need at least 2 classes, got {list(classes)}"

    def num_outputs(self, classes: Sequence[str]) -> int:
        return len(classes)

    def answer(self, logits: Tensor) -> Tensor:
        """Probabilities of the classes."""
        return logits.softmax(-1)

    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"prob_{name}" for name in classes)

    def target_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return ("label",)

    def strata(self, targets: Sequence[Target], classes: Sequence[str]) -> list[str]:
        """The classes themselves."""
        return [classes[target] if isinstance(target, int) and target >= 0 else "" for target in targets]

    def prediction(
        self, slide_id: str, patient_id: str, *, values: Tensor, target: Target | None = None
    ) -> Prediction:
        """A distribution in double precision, beside the index of the class."""
        values = values.double()
        label = target if isinstance(target, int) else -1
        return Prediction(slide_id, patient_id, tuple((values / values.sum()).tolist()), label=label)
