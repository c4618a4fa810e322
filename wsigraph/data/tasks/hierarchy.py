"""One class per slide in a tree of classes, known down to some level."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from wsigraph.data.estimate import Estimate
from wsigraph.data.label_tree.labels import labels_of_names
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.label_tree.tree import UNKNOWN, LabelTree
from wsigraph.data.tasks.base import Target, Task
from wsigraph.data.tasks.cells import is_empty, split_columns
from wsigraph.errors import CohortError, LabelTreeError, RecipeError, expected

if TYPE_CHECKING:
    from torch import Tensor

WHERE = "Task 'hierarchy'"
NO_TREE = "Give --tree NAME or FILE.csv, or one manifest column per level: --target-col group,subtype."


@dataclass(frozen=True)
class Hierarchy(Task, name="hierarchy"):
    r"""One class of several that form a tree; a slide may be labelled at a coarse level only.

    A target row holds one label per level, coarse to fine, -1 where unknown: the finest label gives those
    above it, and a slide labelled coarsely is used as far as it is labelled.

    .. math::  p_l = \mathrm{softmax}(y_l)

    Args:
        tree: The classes: a ready tree by name (``"bracs"``, ``"panda"``, ``"cytology"``), a ``LabelTree``,
            or what its ``to_dict`` gave.
        target_col: One column, whose cells name a class of any level, or several separated by commas, one per
            level from coarse to fine, of which some may be empty.

    Shape: logits ``[B, A]`` of all levels, the finest first -> ``prob_<class>`` of the finest and
        ``<level>_prob_<class>`` of the coarser levels, ``[B, A]``.
    Raises: RecipeError: if there is no tree, or it is broken.
    """

    tree: LabelTree | str | Mapping[str, Any] = ""
    target_col: str = "label"

    term: ClassVar[str] = "tree_cross_entropy"

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", _tree(self.tree))

    @property
    def label_tree(self) -> LabelTree:
        """The tree."""
        if not isinstance(self.tree, LabelTree):
            raise RecipeError(expected(WHERE, "a label tree", f"{self.tree!r}", todo=NO_TREE))
        return self.tree

    @property
    def columns(self) -> tuple[str, ...]:
        return split_columns(self.target_col)

    @property
    def own_classes(self) -> tuple[str, ...]:
        """The finest classes."""
        return self.label_tree.names()

    def missing(self, cells: Mapping[str, str]) -> str:
        if not all(is_empty(cells[column]) for column in self.columns):
            return ""
        return f"no label in column{'s' * (len(self.columns) > 1)} {', '.join(map(repr, self.columns))}"

    def in_order(self, words: Iterable[str]) -> tuple[str, ...]:
        """The finest classes of the tree, whichever a manifest holds."""
        return self.own_classes

    def row(self, cells: Mapping[str, str], classes: Sequence[str], *, where: str) -> tuple[float, ...]:
        """Labels at all levels, coarse to fine, -1 where unknown."""
        return tuple(map(float, self._line(cells, where=where)))

    def told(self, cells: Mapping[str, str]) -> str:
        """The names from coarse to fine, as far as the cells hold them."""
        return " > ".join(cells[column] for column in self.columns if not is_empty(cells[column]))

    def check_classes(self, classes: Sequence[str]) -> str:
        if tuple(classes) == self.own_classes:
            return ""
        return f"classes must be the finest of the tree, {list(self.own_classes)}, got {list(classes)}"

    def num_outputs(self, classes: Sequence[str]) -> int:
        return len(classes)

    @property
    def places(self) -> tuple[slice, ...]:
        """Where the classes of each level, coarse to fine, stand in an answer: the finest come first."""
        sizes = [len(names) for names in self.label_tree.classes]
        ends = [sum(sizes[at:]) for at in range(len(sizes))]
        return tuple(slice(end - size, end) for size, end in zip(sizes, ends, strict=True))

    def answer(self, logits: Tensor) -> Tensor:
        """Probabilities at every level, each as its own head has them.

        Shape: logits of all levels side by side, ``[B, A]``, the finest first -> ``[B, A]``.
        """
        import torch

        return torch.cat([logits[:, place].softmax(1) for place in reversed(self.places)], 1)

    def answer_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        tree = self.label_tree
        coarser = zip(reversed(tree.levels[:-1]), reversed(tree.classes[:-1]), strict=True)
        fine = (f"prob_{name}" for name in tree.names())
        return (*fine, *(f"{level}_prob_{name}" for level, names in coarser for name in names))

    def target_columns(self, classes: Sequence[str]) -> tuple[str, ...]:
        return tuple(f"label_{level}" for level in self.label_tree.levels)

    def prediction(
        self, slide_id: str, patient_id: str, *, values: Tensor, target: Target | None = None
    ) -> Estimate:
        """Distributions in double precision beside the labels, coarse to fine, -1 where unknown."""
        import torch

        wide = [values.double()[place] for place in reversed(self.places)]
        told = torch.cat([level / level.sum() for level in wide]).tolist()
        return Estimate(slide_id, patient_id, tuple(told), target if isinstance(target, tuple) else ())

    def classes_to_draw(self, targets: Tensor) -> Tensor:
        """The finest known class of each slide; those known at a coarse level alone are classes of their own.

        Shape: ``[n, L]`` -> ``[n]`` int64: finest classes as they are numbered, then those of coarser levels.
        """
        import torch

        sizes = [len(names) for names in self.label_tree.classes]
        firsts = torch.tensor([sum(sizes[at + 1 :]) for at in range(len(sizes))])
        labels = targets.long()
        finest = (labels != UNKNOWN).sum(1) - 1
        return labels.gather(1, finest.unsqueeze(1)).squeeze(1) + firsts[finest]

    def strata(self, targets: Sequence[Target], classes: Sequence[str]) -> list[str]:
        """The finest known class."""
        names = self.label_tree.classes
        rows = [target if isinstance(target, tuple) else () for target in targets]
        known = [[(at, int(label)) for at, label in enumerate(row) if label != UNKNOWN] for row in rows]
        return [" / ".join(names[at][label] for at, label in line) for line in known]

    def settings(self) -> dict[str, Any]:
        """Name and tree, so that a recipe needs no other file."""
        return {"name": self.name, "tree": self.label_tree.to_dict()}

    def _line(self, cells: Mapping[str, str], *, where: str) -> tuple[int, ...]:
        tree, columns = self.label_tree, self.columns
        if len(columns) not in (1, tree.num_levels):
            what = f"one column of labels, or one for each of the levels {list(tree.levels)}"
            raise CohortError(expected(where, what, f"{list(columns)}"))
        try:
            if len(columns) == 1:
                return tree.line(*tree.find(cells[columns[0]]))
            return labels_of_names(tree, [cells[column] for column in columns], where=where)
        except LabelTreeError as error:
            raise CohortError(f"{where}: {error}" if len(columns) == 1 else str(error)) from error


def _tree(given: LabelTree | str | Mapping[str, Any]) -> LabelTree:
    if isinstance(given, LabelTree):
        return given
    if not given:
        raise RecipeError(expected(WHERE, "a label tree", "none", todo=NO_TREE))
    try:
        return ready_tree(given) if isinstance(given, str) else LabelTree.from_dict(given)
    except LabelTreeError as error:
        raise RecipeError(f"{WHERE}: {error}") from error
