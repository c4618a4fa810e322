"""Several attention branches that share the patches among them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from wsigraph.data.bag_output import HeadOutput
from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.heads.base import Head
from wsigraph.nn.layers.drop_top import drop_top
from wsigraph.nn.layers.gated_scores import GatedScores
from wsigraph.nn.layers.weighted_sums import weighted_sums


class ACMIL(Head, name="acmil"):
    r"""Pool by the mean of several gated attentions, each of which has a classifier of its own beside it.

    .. math::  a_{im} = \mathrm{softmax}_i\; w_m^\top (\tanh V x_i \odot \sigma(U x_i)), \quad
        y_m = W_m \sum_i a_{im} x_i, \quad y = W \sum_i \bar a_i x_i, \quad
        \bar a_i = \tfrac1M \sum_m a_{im}

    In training some of the highest scored patches of each branch are hidden, see ``drop_top``. The branches'
    logits are the extra ``branch_logits`` ``[B, M, K]``. ``attention`` has one column per branch; a heatmap,
    which takes their mean, shows what the slide's answer is made from.

    Args:
        in_channels: Channels of each node.
        out_channels: Number of classes K.
        branches: Number of attention branches M.
        hidden_channels: Width of the attention layer.
        dropout: Dropout of the gated activations.
        top: Patches of each slide and branch that may be hidden.
        top_dropped: Share of them that is, in training.

    Shape: x ``[N, in_channels]`` -> logits ``[B, K]``, attention ``[N, M]``.
    Raises: GraphError: if a slide has no node. RecipeError: if there is no branch, or nothing would be left.
    Source: ACMIL (Zhang et al. 2024), multiple branch attention and stochastic top-K instance masking.
    """

    gives = frozenset({"logits", "embedding", "attention", "attention_logits", "branch_logits"})

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        branches: int = 5,
        hidden_channels: int = 128,
        dropout: float = 0.0,
        top: int = 10,
        top_dropped: float = 0.6,
    ) -> None:
        super().__init__()
        if branches < 1 or top < 0 or not 0.0 <= top_dropped < 1.0:
            what = "at least 1 branch, top of at least 0 and a share below 1 of it dropped"
            raise RecipeError(expected("Head 'acmil'", what, f"{branches}, {top}, {top_dropped}"))
        self.top, self.top_dropped = top, top_dropped
        self.scores = GatedScores(in_channels, hidden_channels, out_channels=branches, dropout=dropout)
        self.branches = nn.ModuleList(nn.Linear(in_channels, out_channels) for _ in range(branches))
        self.classify = nn.Linear(in_channels, out_channels)

    def forward(self, x: Tensor, bags: Bags) -> HeadOutput:
        """Answer for each slide of the batch."""
        bags.require_rows(where="ACMIL")
        scores = self.scores(x)  # [N, M]
        if self.training:
            scores = drop_top(scores, bags, k=self.top, share=self.top_dropped)
        attention = softmax(scores, bags.batch, num_nodes=bags.num_graphs)
        pooled = weighted_sums(attention, x, bags)  # [B, M, C]
        whole = pooled.mean(1)  # the sum by the mean attention
        each = [classify(z) for classify, z in zip(self.branches, pooled.unbind(1), strict=True)]
        return HeadOutput(
            logits=self.classify(whole),
            embedding=whole,
            attention=attention,
            attention_logits=scores,
            extras={"branch_logits": torch.stack(each, 1)},
        )
