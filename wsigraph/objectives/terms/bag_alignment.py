"""HMIL's bag alignment of a fine head with the coarse label."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.bag_alignment import BAG_ALIGNMENTS
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.head_term import HeadTerm
from wsigraph.objectives.tree_targets import TASKS, example_lines, labels_at

WHERE = "Term 'bag_alignment'"


class BagAlignment(HeadTerm, name="bag_alignment"):
    r"""The answer of a fine head, summed into parents, is right about the coarse class.

    .. math::  L_{ba} = -\frac1B \sum_b \log \sum_{f \in t_b} \mathrm{softmax}(y_b)_f

    Args:
        sizes: Widths of the model, and the tree.
        view: View whose logits are read.
        head: The fine head.
        level: The coarse level, by name or number; the one above the head's where not given.
        form: ``"paper"``, 0 at best; or ``"code"``, where summed probabilities go through a second softmax
            and a perfect answer scores log(1 + (K - 1) / e) with K coarse classes.

    Shape: logits ``[B, K_fine]``, target ``[B, L]`` of labels, coarse to fine, -1 where unknown.
    Raises: RecipeError: if there is no tree, no such form, or the level is not above the head's.
    Source: HMIL (Jin et al. 2025), bag-level alignment, and the authors' code. Differs: a slide whose coarse
        class is unknown counts 0, so that each slide weighs the same in whatever step it stands.
    """

    tasks: ClassVar[frozenset[str] | None] = TASKS
    membership: Tensor

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "fine",
        level: str | int | None = None,
        form: str = "paper",
    ) -> None:
        super().__init__(sizes, view=view, head=head)
        self.tree, fine = sizes.tree_for(WHERE), sizes.level(head, where=WHERE)
        self.level = fine - 1 if level is None else self.tree.level(level)
        if not 0 <= self.level < fine:
            what = f"a level above '{self.tree.levels[fine]}', which head '{head}' answers"
            got = "none, it is the coarsest" if self.level < 0 else f"'{self.tree.levels[self.level]}'"
            raise RecipeError(expected(WHERE, what, got))
        if form not in BAG_ALIGNMENTS:
            raise RecipeError(expected(WHERE, f"a form of {sorted(BAG_ALIGNMENTS)}", f"'{form}'"))
        self.align = BAG_ALIGNMENTS[form]
        member = self.tree.membership(fine, self.level)
        self.register_buffer("membership", torch.from_numpy(member).float(), persistent=False)

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over slides."""
        labels = labels_at(target, self.tree, self.level, where=WHERE)
        of_known = self.align(logits, labels, membership=self.membership)
        return of_known * ((labels >= 0).sum() / len(labels))

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Classes in turn."""
        return example_lines(self.tree, num_slides)
