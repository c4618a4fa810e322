"""Gated attention pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.dropout import Dropout
from wsigraph.nn.layers.weighted_sums import weighted_sum


class GatedAttention(Aggregator, name="gated_attention"):
    r"""Weigh the patches of a slide by gated attention and sum them.

    .. math::  a_i = \mathrm{softmax}_i\; w^\top (\tanh V x_i \odot \sigma(U x_i)), \quad z = \sum_i a_i x_i

    Args:
        in_channels: Channels of each node.
        hidden_channels: Width of the attention layer.
        dropout: Dropout of the gated activations.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, in_channels]``, attention ``[N, 1]``.
    Raises: GraphError: if a slide has no node.
    Source: Ilse et al. 2018, eq. 9. Differs: bias kept in V, U and w, as in the authors' code.
    """

    gives = frozenset({"attention", "attention_logits"})

    def __init__(self, in_channels: int, *, hidden_channels: int = 128, dropout: float = 0.0) -> None:
        super().__init__()
        self.out_channels = in_channels
        self.value = nn.Linear(in_channels, hidden_channels)
        self.gate = nn.Linear(in_channels, hidden_channels)
        self.score = nn.Linear(hidden_channels, 1)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="GatedAttention")
        gated = self.dropout(torch.tanh(self.value(x)) * torch.sigmoid(self.gate(x)))  # [N, hidden]
        logits = self.score(gated)  # [N, 1]
        attention = softmax(logits, bags.batch, num_nodes=bags.num_graphs)
        return Aggregated(weighted_sum(attention, x, bags), attention, logits)
