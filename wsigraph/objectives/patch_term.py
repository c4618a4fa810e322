"""Terms that read a score of each patch for each class, and the classes of the slides."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from wsigraph.data.shown_classes import shown_classes
from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.node_scores import class_logit
from wsigraph.objectives.tree_targets import labels_at

Odds = Literal["softmax", "each"]


class PatchTerm(Objective):
    """What these terms share: which head's scores they read, for which classes, on which scale.

    Args:
        sizes: Widths of the model.
        view: View whose patch scores are read.
        head: Head whose patch scores are read.
        background: Class of a slide none of whose patches shows another, which no patch is scored for; None
            where every class shows in patches.
        odds: Log-odds of a patch to be of a class: ``"softmax"``, one class of all; or ``"each"``, every
            class for itself by its own logit, as DSMIL has it.

    Raises: RecipeError: if the background is no class, or the odds are unknown.
    """

    tasks: ClassVar[frozenset[str] | None] = frozenset({"classification", "ordinal", "hierarchy"})

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "bag",
        background: int | None = 0,
        odds: Odds = "softmax",
    ) -> None:
        super().__init__()
        where = f"Term '{self.name}'"
        if odds not in get_args(Odds):
            raise RecipeError(expected(where, f"odds of {list(get_args(Odds))}", f"'{odds}'"))
        self.view, self.head, self.odds = view, head, odds
        self.num_classes, self.background = sizes.outputs(head), background
        self.classes = shown_classes(self.num_classes, background, where=where)
        self.tree = sizes.tree
        self.level = sizes.level(head, where=where) if sizes.tree is not None else 0
        self.needs = (Need(view, head, "node_logits"),)

    def labels(self, target: Tensor) -> Tensor:
        """Class of each slide at the head's level, ``[B]``, -1 where unknown."""
        if self.tree is None or target.ndim == 1:
            return target.long()
        return labels_at(target, self.tree, self.level, where=f"Term '{self.name}'")

    def scores(self, node_logits: Tensor) -> Tensor:
        """Log-odds of each patch for each class that patches show, ``[N, C]``.

        Args:
            node_logits: ``[N, K]``.
        """
        if self.odds == "each":
            return node_logits[:, list(self.classes)]
        return torch.stack([class_logit(node_logits, c) for c in self.classes], dim=1)

    def known(self, step: Step) -> tuple[Tensor, Tensor, Tensor]:
        """The slides of a step whose class is known: scores ``[n, C]``, slide of each patch ``[n]``, labels
        ``[b]``.

        Raises: RecipeError: if the head scores no patches.
        """
        seen, labels = step.views[self.view], self.labels(step.target)
        node_logits = seen.head(self.head).node_logits
        if node_logits is None:
            raise RecipeError(expected(f"Term '{self.name}'", f"patch scores from '{self.head}'", "none"))
        scores, told = self.scores(node_logits), labels >= 0
        if bool(told.all()):
            return scores, seen.batch, labels
        rows, place = told[seen.batch], told.cumsum(0) - 1
        return scores[rows], place[seen.batch[rows]], labels[told]
