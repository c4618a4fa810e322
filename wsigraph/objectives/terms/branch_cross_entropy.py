"""Cross-entropy of logits that a head gives beside its answer."""

from __future__ import annotations

from torch import Tensor, nn

from wsigraph.objectives.base import Need, Objective, Sizes, Step


class BranchCrossEntropy(Objective, name="branch_cross_entropy"):
    r"""Cross-entropy of the slide's class for each branch of a head: streams, pseudo-bags, attentions.

    .. math::  L = -\frac{1}{BM} \sum_b \sum_m \log \mathrm{softmax}(y_{bm})_{t_b}

    Args:
        sizes: Widths of the model (unused here).
        view: View whose logits are read.
        head: Head whose logits are read.
        extra: Name of the logits among the head's extras, ``[B, M, K]``, or ``[B, K]`` where M is 1.
        branches: Number of branches M.

    Source: DSMIL (Li et al. 2021) for streams, DTFD-MIL (Zhang et al. 2022) for pseudo-bags, ACMIL (Zhang et
        al. 2024) for branches. Differs: one class of K by softmax, where DSMIL's code asks for each class by
        itself through a sigmoid.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "bag",
        extra: str = "branch_logits",
        branches: int = 5,
    ) -> None:
        super().__init__()
        self.view, self.head, self.extra = view, head, extra
        shape: tuple[str | int, ...] = ("B", branches, "K") if branches > 1 else ("B", "K")
        self.needs = (Need(view, head, extra, shape=shape),)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch and their branches."""
        logits = step.views[self.view].head(self.head).extras[self.extra]
        branches = logits.reshape(len(logits), -1, logits.shape[-1])  # [B, M, K]
        target = step.target.unsqueeze(1).expand(-1, branches.shape[1])
        return nn.functional.cross_entropy(branches.flatten(0, 1), target.flatten())
