"""CLAM's instance loss: most and least attended patches as examples."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.objectives.base import Need, Objective, Sizes, Step
from wsigraph.objectives.smooth_svm import smooth_top1_svm

WHERE = "Term 'clam_instance'"


class ClamInstance(Objective, name="clam_instance"):
    r"""Patches that the slide's class attends to most are examples of it, those attended to least are not.

    .. math::  L = \frac1B \sum_b \frac{1}{2k} \Bigl( \sum_{i \in \mathrm{top}_k} \ell(s_i^{t_b}, 1)
        + \sum_{i \in \mathrm{bottom}_k} \ell(s_i^{t_b}, 0) \Bigr), \quad s_i^c = W_c h_i + b_c

    The loss is ``smooth_top1_svm`` and each class has a classifier of two outputs, which the term owns. With
    ``subtyping`` each other class c adds :math:`\frac1k \sum_{i \in \mathrm{top}_k} \ell(s_i^c, 0)` on the
    patches that it attends to most, and the sum is divided by the number of classes. Gradients reach the
    patches' embeddings and not the attention, which only chooses.

    Args:
        sizes: Widths of the model.
        view: View whose node embeddings and attention are read.
        head: Head whose attention is read: one column for all classes, or one for each.
        k: Patches at either end; a slide of n patches gives at most n // 2 to either end of its class, and n
            to another class.
        subtyping: Whether the classes exclude each other, so that patches of one are no examples of another.
        tau: Temperature of the loss.
        alpha: Margin of the loss.

    Raises: RecipeError: if k is below 1, or attention has another number of columns.
    Source: CLAM (Lu et al. 2021), instance-level clustering; Berrada et al. 2018 for the loss. Differs:
        slides of fewer than 2 k patches take fewer, where the authors' code stops or lets a patch be an
        example of both.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        view: str = "clean",
        head: str = "bag",
        k: int = 8,
        subtyping: bool = False,
        tau: float = 1.0,
        alpha: float = 1.0,
    ) -> None:
        super().__init__()
        if k < 1:
            raise RecipeError(expected(WHERE, "k of at least 1", f"{k}"))
        self.view, self.head, self.k, self.subtyping = view, head, k, subtyping
        self.tau, self.alpha, self.num_classes = tau, alpha, sizes.num_classes
        self.needs = (Need(view, None, "node_embedding"), Need(view, head, "attention", ranked=True))
        self.classify = nn.Linear(sizes.node_channels, 2 * sizes.num_classes)

    def forward(self, step: Step) -> Tensor:
        """Mean over the slides of the batch."""
        seen = step.views[self.view]
        bags = Bags(seen.batch, seen.num_graphs)
        attention = self._by_class(seen.head(self.head).attention)
        slides = zip(bags.split(seen.nodes), bags.split(attention), step.target.tolist(), strict=True)
        return torch.stack([self.of_slide(*slide) for slide in slides]).mean()

    def of_slide(self, nodes: Tensor, attention: Tensor, target: int) -> Tensor:
        """The loss of one slide: nodes ``[n, C]``, attention ``[n, K]`` and its class -> a scalar."""
        k = min(self.k, len(nodes) // 2)
        most = attention[:, target].topk(k).indices
        least = attention[:, target].topk(k, largest=False).indices
        label = torch.arange(2 * k, device=nodes.device) < k
        loss = self._compare(nodes[torch.cat([most, least])], target, label.long())
        if not self.subtyping:
            return loss
        for other in (c for c in range(self.num_classes) if c != target):
            most = attention[:, other].topk(min(self.k, len(nodes))).indices
            loss = loss + self._compare(nodes[most], other, torch.zeros_like(most))
        return loss / self.num_classes

    def _compare(self, rows: Tensor, which: int, label: Tensor) -> Tensor:
        """Mean loss of some patches under one class's classifier; 0 where there is none."""
        scores = self.classify(rows).view(-1, self.num_classes, 2)[:, which]
        return smooth_top1_svm(scores, label, tau=self.tau, alpha=self.alpha).sum() / max(len(rows), 1)

    def _by_class(self, attention: Tensor | None) -> Tensor:
        """Attention with one column per class."""
        columns = 0 if attention is None else attention.shape[1]
        if attention is None or columns not in (1, self.num_classes):
            what = f"attention with 1 or {self.num_classes} columns from head '{self.head}'"
            raise RecipeError(expected(WHERE, what, f"{columns}"))
        return attention.expand(-1, self.num_classes)
