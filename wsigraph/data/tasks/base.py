"""What a task is: how cells of a manifest become a target, and how logits become the answer of a slide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.data.prediction import Prediction
from wsigraph.errors import RecipeError, expected
from wsigraph.registry import Part

if TYPE_CHECKING:
    from torch import Tensor

Target = int | tuple[float, ...]
"""What is true of a slide: the index of its class (-1 where unknown), or a row of numbers."""


@dataclass(frozen=True)
class Task(Part, ABC, family="task", package="wsigraph.data.tasks"):
    """A question that is asked of every slide.

    Fields whose name ends in ``_col`` name columns of a manifest; they belong to the data, and a recipe does
    not keep them. ``classes`` are the names a task has: classes, labels or values; none for survival.

    Attributes:
        term: Name of the objective that learns it.
        one_class: True where a slide has one class: its target is an index, its answer a distribution.
        of_classes: True where its names are classes or labels, so that names of one task may serve another.
        ordered: True where only a head whose logits are log probabilities of ordered classes will do.
        heads: Heads of the published recipes that it needs another head for, by name.
        least_slides: Fewest slides of a step from which the term learns anything.
        usual_slides: Slides of a step where a recipe has fewer than ``least_slides``.
        monitors: What a checkpoint may be chosen by.
    """

    term: ClassVar[str]
    one_class: ClassVar[bool] = False
    of_classes: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    heads: ClassVar[Mapping[str, str]] = MappingProxyType({})
    least_slides: ClassVar[int] = 1
    usual_slides: ClassVar[int] = 1
    monitors: ClassVar[tuple[str, ...]] = ("val_loss", "val_total", "last")

    @property
    def label_tree(self) -> LabelTree | None:
        """The tree that the classes form; None where they form none."""
        return None

    @property
    def own_classes(self) -> tuple[str, ...]:
        """Names that the task brings itself, in order; none where a manifest or a caller gives them."""
        return ()

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns of the manifest that are read."""

    @abstractmethod
    def missing(self, cells: Mapping[str, str]) -> str:
        """Why a slide with these cells cannot be used; empty if it can."""

    def words(self, cells: Mapping[str, str]) -> tuple[str, ...]:
        """Names of classes that stand in the cells of one slide."""
        return ()

    def in_order(self, words: Iterable[str]) -> tuple[str, ...]:
        """All names found in a manifest, in the order of a model's outputs.

        Raises: CohortError: if their order cannot be known.
        """
        return tuple(sorted(words))

    @abstractmethod
    def row(self, cells: Mapping[str, str], classes: Sequence[str], *, where: str) -> tuple[float, ...]:
        """The target row of one slide.

        Args:
            cells: Text by column; none of them ``missing``.
            classes: Names, in order.
            where: The slide, as errors call it.

        Raises: CohortError: if a cell cannot be read.
        """

    def told(self, cells: Mapping[str, str]) -> str:
        """The cells as one text, for a person and for the record of a run."""
        return ", ".join(f"{column} {cells[column]}" for column in self.columns)

    @abstractmethod
    def check_classes(self, classes: Sequence[str]) -> str:
        """What is wrong with these names; empty if nothing is."""

    @abstractmethod
    def num_outputs(self, classes: Sequence[str]) -> int:
        """Outputs that a head must have."""

    @abstractmethod
    def answer(self, logits: Tensor) -> Tensor:
        """The answers of slides.

        Shape: ``[B, num_outputs]`` -> ``[B, A]``, columns as ``answer_columns`` names them.
        """

    @abstractmethod
    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        """What each column of ``answer`` is called."""

    @abstractmethod
    def target_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        """What each entry of a target row is called beside an answer."""

    def seen(self, targets: Sequence[Target]) -> Task:
        """The task, knowing what it may of the targets of the training slides (scale, time bins).

        Raises: CohortError: if nothing can be learned from them.
        """
        return self

    def step_target(self, target: Tensor) -> Tensor:
        """Targets as the term reads them: ``[B]`` of classes or ``[B, T]`` of rows."""
        return target

    def classes_to_draw(self, targets: Tensor) -> Tensor:
        """What a sampler that reads classes reads of the targets: ``[n]`` or ``[n, T]`` -> ``[n]``."""
        return targets

    def for_cohort(self, targets: Sequence[Target]) -> Task:
        """The task, knowing what every fold of a cohort must share; nothing that a model learns from."""
        return self

    @abstractmethod
    def strata(self, targets: Sequence[Target], classes: Sequence[str]) -> list[str]:
        """A name for each slide; folds get about the same share of each."""

    def prediction(
        self, slide_id: str, patient_id: str, *, values: Tensor, target: Target | None = None
    ) -> Prediction | Estimate:
        """One slide's row: ``values [A]`` beside the truth, where it is known."""
        truth = target if isinstance(target, tuple) else ()
        return Estimate(slide_id, patient_id, tuple(values.tolist()), truth)

    def settings(self) -> dict[str, Any]:
        """Name and options as a recipe holds them: without columns of a manifest, and without defaults."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if not _is_column(field.name)}
        plain = {field.name: field.default for field in fields(self)}
        changed = {name: value for name, value in own.items() if value != plain[name]}
        return {"name": self.name, **{k: list(v) if isinstance(v, tuple) else v for k, v in changed.items()}}


def make_task(task: str | Mapping[str, Any] | Task, *, target_col: str | None = None) -> Task:
    """A task from its name, or its name and options; a task as it is.

    Args:
        task: ``"ordinal"``, ``{"name": "cox", "time_col": "months"}`` or a ``Task``.
        target_col: Column of targets, for a task given by name that reads one such column.

    Raises: UnknownPartError: if there is none of this name. RecipeError: if it takes no such option, or
        cannot have its value.
    """
    if isinstance(task, Task):
        return task
    options = {"name": task} if isinstance(task, str) else dict(task)
    if target_col is not None and "target_col" not in options and isinstance(options.get("name"), str):
        known = {field.name for field in fields(Task.registry.get(options["name"]))}
        options |= {"target_col": target_col} if "target_col" in known else {}
    try:
        return Task.registry.make(options)
    except (TypeError, ValueError) as error:
        raise RecipeError(
            expected(f"task '{options.get('name')}'", "valid options", f"{options} ({error})")
        ) from error


def _is_column(name: str) -> bool:
    return name.endswith("_col")
