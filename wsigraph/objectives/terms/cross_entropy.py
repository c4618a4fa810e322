"""Cross-entropy of one head in one view."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.objectives.base import Need, Objective, Sizes, Step


class CrossEntropy(Objective, name="cross_entropy"):
    r"""Cross-entropy of the slide's class.

    .. math::  L = -\frac1B \sum_b \log \mathrm{softmax}(y_b)_{t_b}

    Args:
        sizes: Widths of the model (unused here).
        view: View whose logits are read.
        head: Head whose logits are read.
    """

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag") -> None:
        super().__init__()
        self.view, self.head = view, head
        self.needs = (Need(view, head, "logits"),)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        return nn.functional.cross_entropy(step.views[self.view].head(self.head).logits, step.target)
