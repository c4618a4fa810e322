"""HMIL's instance alignment between two heads."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.instance_alignment import instance_alignment
from wsigraph.objectives.tree_targets import TASKS, example_lines

WHERE = "Term 'instance_alignment'"


class InstanceAlignment(Objective, name="instance_alignment"):
    r"""What a patch speaks for at a fine level, summed into parents, is what it speaks for at a coarse one.

    .. math::  L_{ia} = \frac1B \sum_b \frac1{|N_b|} \sum_{n \in N_b} (1 - \cos(a^c_n,\; a^f_n M))

    It reads no labels, so that slides of which nothing is known count as all others do. Between three levels
    it takes two such terms.

    Args:
        sizes: Widths of the model, and the tree.
        view: View whose attention is read.
        coarse: Head with one column of attention for each class of its level.
        fine: Another such head, at a finer level.

    Raises: RecipeError: if there is no tree, the fine head's level is not below the coarse one's, or a head
        has not one column per class.
    Source: HMIL (Jin et al. 2025), instance-level alignment; see ``wsigraph.objectives.instance_alignment``
        for what differs.
    """

    tasks: ClassVar[frozenset[str] | None] = TASKS
    membership: Tensor

    def __init__(
        self, sizes: Sizes, *, view: str = "clean", coarse: str = "coarse", fine: str = "fine"
    ) -> None:
        super().__init__()
        self.tree = sizes.tree_for(WHERE)
        levels = [sizes.level(head, where=WHERE) for head in (coarse, fine)]
        if levels[0] >= levels[1]:
            names = [self.tree.levels[level] for level in levels]
            what = f"head '{fine}' to answer a finer level than head '{coarse}'"
            raise RecipeError(expected(WHERE, what, f"the levels '{names[1]}' and '{names[0]}'"))
        self.view, self.coarse, self.fine = view, coarse, fine
        self.needs = (Need(view, coarse, "attention"), Need(view, fine, "attention"))
        member = self.tree.membership(levels[1], levels[0])
        self.register_buffer("membership", torch.from_numpy(member).float(), persistent=False)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        seen = step.views[self.view]
        num_fine, num_coarse = self.membership.shape
        columns = {self.coarse: num_coarse, self.fine: num_fine}
        coarse, fine = (_columns(seen.head(head).attention, columns[head], head) for head in columns)
        return instance_alignment(
            coarse, fine, membership=self.membership, batch=seen.batch, num_graphs=seen.num_graphs
        )

    def example_target(self, num_slides: int, num_outputs: int) -> Tensor:
        """Any: it reads none."""
        return example_lines(self.tree, num_slides)


def _columns(attention: Tensor | None, number: int, head: str) -> Tensor:
    if attention is None or attention.shape[1] != number:
        got = "none" if attention is None else f"{attention.shape[1]}"
        raise RecipeError(
            expected(
                WHERE,
                f"attention with {number} columns from head '{head}', one per class",
                got,
                todo="Heads 'class_attention' and 'shared_class_attention' have them.",
            )
        )
    return attention
