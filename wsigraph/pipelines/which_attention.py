"""Which of a model's attentions a heatmap shows: a head's mean, or that of one class."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from wsigraph.data.bag_output import BagOutput
from wsigraph.errors import LabelTreeError, RunError, expected
from wsigraph.models.mil_model import MILModel
from wsigraph.training.head_levels import head_levels
from wsigraph.training.recipe import Recipe


@dataclass(frozen=True)
class WhichAttention:
    """A head, and a column of its attention.

    Args:
        head: Name of the head.
        column: Class whose attention is meant; None takes the mean over the columns.
        told: What is meant in a few words, empty for the mean of the first head.
    """

    head: str
    column: int | None = None
    told: str = ""

    def of(self, seen: BagOutput) -> Tensor | None:
        """Attention of each patch, ``[N]``, summing to 1; None where the head gives none."""
        attention = seen.head(self.head).attention
        if attention is None:
            return None
        return attention.mean(1) if self.column is None else attention[:, self.column]


def which_attention(
    recipe: Recipe, model: MILModel, *, class_name: str | None = None, level: str | None = None
) -> WhichAttention:
    """The attention that is meant.

    Args:
        recipe: What the model was built from.
        model: The model.
        class_name: A class of the head's level; of a label tree without ``level`` the finest level that
            has a class of this name.
        level: Level of a label tree, whose own head is asked.

    Raises: RunError: if there is no such class or level, no head answers the level, or its attention has not
        one column per class.
    """
    where, tree = f"Recipe '{recipe.name}'", recipe.make_task().label_tree
    head, names = next(iter(recipe.heads)), recipe.classes
    told = []
    if level is not None and tree is None:
        raise RunError(expected(where, "a label tree, of which a level is asked", "none"))
    if tree is not None and (level is not None or class_name is not None):
        try:
            at = tree.level(level) if level is not None else tree.find(str(class_name))[0]
        except LabelTreeError as error:
            raise RunError(f"{where}: {error}") from error
        heads = {answers: name for name, answers in reversed(head_levels(recipe).items())}
        if at not in heads:
            there = [tree.levels[k] for k in sorted(heads)]
            raise RunError(expected(where, f"a head that answers level '{tree.levels[at]}'", f"{there}"))
        head, names = heads[at], tree.classes[at]
        told = [f"level '{tree.levels[at]}'"]
    if class_name is None:
        return WhichAttention(head, None, *told)
    if class_name not in names:
        raise RunError(expected(where, f"a class of {list(names)}", f"'{class_name}'"))
    if not model.heads[head].attends_by_class:
        raise RunError(
            expected(
                f"{where}, head '{head}'",
                "attention with one column per class",
                "attention that all classes share",
                todo="Leave --class out, or train a method with class-wise attention (clam_mb, hmil).",
            )
        )
    return WhichAttention(head, names.index(class_name), " of ".join([f"class '{class_name}'", *told]))
