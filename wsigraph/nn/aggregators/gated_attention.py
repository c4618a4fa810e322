"""Gated attention pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.utils import softmax

from wsigraph.errors import GraphError, expected
from wsigraph.nn.aggregators.base import Aggregated, Aggregator


class GatedAttention(Aggregator, name="gated_attention"):
    r"""Weigh the patches of a slide by gated attention and sum them.

    .. math::  a_i = \mathrm{softmax}_i\; w^\top (\tanh V x_i \odot \sigma(U x_i)), \quad z = \sum_i a_i x_i

    Args:
        in_channels: Channels of each node.
        hidden_channels: Width of the attention layer.
        dropout: Dropout of the gated activations.

    Shape: x ``[N, in_channels]``, batch ``[N]`` -> embedding ``[B, in_channels]``, attention ``[N, 1]``.
    Raises: GraphError: if a slide has no node.
    Source: Ilse et al. 2018, eq. 9. Differs: bias kept in V, U and w, as in the authors' code.
    """

    gives_attention = True

    def __init__(self, in_channels: int, *, hidden_channels: int = 128, dropout: float = 0.0) -> None:
        super().__init__()
        self.out_channels = in_channels
        self.value = nn.Linear(in_channels, hidden_channels)
        self.gate = nn.Linear(in_channels, hidden_channels)
        self.score = nn.Linear(hidden_channels, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, batch: Tensor, num_graphs: int) -> Aggregated:
        """Pool the nodes of each slide."""
        refuse_empty(batch, num_graphs, where="GatedAttention")
        gated = self.dropout(torch.tanh(self.value(x)) * torch.sigmoid(self.gate(x)))  # [N, hidden]
        logits = self.score(gated)  # [N, 1]
        attention = softmax(logits, batch, num_nodes=num_graphs)
        pooled = x.new_zeros(num_graphs, x.shape[1]).index_add_(0, batch, attention * x)
        return Aggregated(pooled, attention, logits)


def refuse_empty(batch: Tensor, num_graphs: int, *, where: str) -> None:
    """Raise GraphError if a slide of the batch has no node; an exported program cannot ask."""
    if torch.compiler.is_exporting():
        return
    counts = torch.bincount(batch, minlength=num_graphs)
    if num_graphs == 0 or bool((counts == 0).any()):
        empty = torch.nonzero(counts == 0).flatten().tolist()
        raise GraphError(
            expected(where, "at least one patch in every slide", f"none in slides {empty} of the batch")
        )
