"""Attention pooling as WiKG reads a graph out."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import leaky_relu
from torch_geometric.utils import softmax

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.weighted_sums import weighted_sum


class GlobalAttention(Aggregator, name="global_attention"):
    r"""Weigh the patches of a slide by a two-layer map, sum them and normalise the sum.

    .. math::  a_i = \mathrm{softmax}_i\; w^\top \mathrm{LeakyReLU}(V x_i), \quad
               z = \mathrm{LN}\Bigl(\sum_i a_i x_i\Bigr)

    Args:
        in_channels: Channels of each node.
        hidden_channels: Width of the attention layer; half of ``in_channels`` where 0.

    Shape: x ``[N, in_channels]`` -> embedding ``[B, in_channels]``, attention ``[N, 1]``.
    Raises: GraphError: if a slide has no node.
    Source: Li et al. 2016 (gated graph sequence networks, eq. 7) without the transform of the rows, in the
        form of WiKG's authors' code (Li et al. 2024).
    """

    gives = frozenset({"attention", "attention_logits"})

    def __init__(self, in_channels: int, *, hidden_channels: int = 0) -> None:
        super().__init__()
        self.out_channels = in_channels
        hidden_channels = hidden_channels or max(1, in_channels // 2)
        self.value = nn.Linear(in_channels, hidden_channels)
        self.score = nn.Linear(hidden_channels, 1)
        self.norm = nn.LayerNorm(in_channels)

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="GlobalAttention")
        logits = self.score(leaky_relu(self.value(x)))  # [N, 1]
        attention = softmax(logits, bags.batch, num_nodes=bags.num_graphs)
        return Aggregated(self.norm(weighted_sum(attention, x, bags)), attention, logits)
