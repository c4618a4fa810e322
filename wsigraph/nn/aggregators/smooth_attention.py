"""Attention pooling that is smooth over the graph."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch_geometric.utils import softmax

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.dropout import Dropout
from wsigraph.nn.layers.smooth import Neighbourhood, smooth
from wsigraph.nn.layers.weighted_sums import weighted_sum

PLACES = ("early", "mid", "late")


class SmoothAttention(Aggregator, name="smooth_attention"):
    r"""Attention pooling with the smooth operator S before, inside or after the scores.

    .. math::  \text{early: } x' = S x,\; f = w^\top \tanh(V x' + b),\; z = \sum_i a_i x'_i \qquad
               \text{mid: } f = w^\top \tanh S (V x + b) \qquad
               \text{late: } f = S\, w^\top \tanh(V x + b)

    with :math:`a = \mathrm{softmax}_i f_i`, and z the sum of the plain rows for ``mid`` and ``late``. S is
    linear, so ``early`` smooths V x, and the attention once more by the transpose of S, instead of all
    channels of x: the same answer, on fewer channels. On a graph without edges it is ``attention``.

    Args:
        in_channels: Channels of each node.
        hidden_channels: Width of the attention layer.
        where: ``"early"``, ``"mid"`` or ``"late"``.
        alpha: How smooth the operator starts, between 0 and 1; it is learned.
        steps: Iterations of the operator; a node hears of nodes so many edges away.
        dropout: Dropout of the activations.

    Shape: x ``[N, in_channels]``, E edges -> embedding ``[B, in_channels]``, attention ``[N, 1]``.
    Raises: GraphError: if a slide has no node, or the batch has no edges to read. RecipeError: if there is no
        such place, or alpha is not between 0 and 1.
    Source: Castro-Macias et al. 2024, smooth attention pooling, with the tanh of the authors' code. Differs:
        alpha is the sigmoid of the learned number, so that it stays between 0 and 1; no spectral
        normalisation of the layers after S, an option in the authors' code; a node without neighbours keeps
        its row.
    """

    gives = frozenset({"attention", "attention_logits"})
    uses_edges = True

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 128,
        where: Literal["early", "mid", "late"] = "early",
        alpha: float = 0.5,
        steps: int = 10,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if where not in PLACES or not 0 < alpha < 1:
            what = f"where among {list(PLACES)} and alpha between 0 and 1"
            raise RecipeError(expected("SmoothAttention", what, f"'{where}' and {alpha}"))
        self.out_channels = in_channels
        self.where, self.steps = where, steps
        self.value = nn.Linear(in_channels, hidden_channels)
        self.score = nn.Linear(hidden_channels, 1, bias=False)
        self.level = nn.Parameter(torch.tensor(math.log(alpha / (1 - alpha))))
        self.dropout = Dropout(dropout)

    @property
    def alpha(self) -> Tensor:
        """How smooth the operator is, between 0 and 1."""
        return torch.sigmoid(self.level)

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="SmoothAttention")
        near = Neighbourhood.of(bags.adjacency(where="SmoothAttention"), like=x)
        logits = self._scores(x, near)  # [N, 1]
        attention = softmax(logits, bags.batch, num_nodes=bags.num_graphs)
        weights = self._smooth(attention, near.transposed) if self.where == "early" else attention
        return Aggregated(weighted_sum(weights, x, bags), attention, logits)

    def _smooth(self, rows: Tensor, near: Neighbourhood) -> Tensor:
        return smooth(rows, near, alpha=self.alpha, steps=self.steps)

    def _scores(self, x: Tensor, near: Neighbourhood) -> Tensor:
        if self.where == "early":
            hidden = self._smooth(linear(x, self.value.weight), near) + self.value.bias
        else:
            hidden = self.value(x)
        if self.where == "mid":
            hidden = self._smooth(hidden, near)
        scores = self.score(self.dropout(torch.tanh(hidden)))
        return self._smooth(scores, near) if self.where == "late" else scores
