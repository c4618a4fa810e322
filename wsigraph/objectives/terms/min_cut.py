"""The losses of clusters that a pool makes of a graph."""

from __future__ import annotations

from torch import Tensor

from wsigraph.objectives.base import Need, Objective, Sizes, Step


class MinCut(Objective, name="min_cut"):
    r"""Few edges between clusters, and clusters that are apart and equally heavy.

    .. math::  L = \frac1B \sum_b (L_c + L_o)_b

    Args:
        sizes: Widths of the model (unused here).
        view: View that is read.
        head: Head whose pool gives the extras ``min_cut`` and ``orthogonality``.

    The smallest value is -1, where no edge leaves a cluster and the clusters are equally heavy.

    Source: Bianchi, Grattarola and Alippi 2020 (L_c + L_o), with the weights 1 and 1 that GTP (Zheng et al.
        2022) gives it beside the cross-entropy.
    """

    tasks = None

    def __init__(self, sizes: Sizes, *, view: str = "clean", head: str = "bag") -> None:
        super().__init__()
        self.view, self.head = view, head
        self.needs = (Need(view, head, "min_cut", ("B",)), Need(view, head, "orthogonality", ("B",)))

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        extras = step.views[self.view].head(self.head).extras
        return (extras["min_cut"] + extras["orthogonality"]).mean()
