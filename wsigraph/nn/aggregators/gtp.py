"""A graph pooled into clusters that a transformer reads: the pool of GTP."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.base import Aggregated, Aggregator
from wsigraph.nn.layers.gcn import GCNLayer
from wsigraph.nn.layers.min_cut import min_cut
from wsigraph.nn.layers.transformer_block import TransformerBlock


class GTP(Aggregator, name="gtp"):
    r"""Hear the neighbours once, pool the patches into clusters, read class token and clusters.

    .. math::  h = \mathrm{ReLU}(\mathrm{LN}(\mathrm{GCN}(x, E))), \quad
               S = \mathrm{softmax}(W h), \quad z = \mathrm{Transformer}([t_{class}; S^\top h])_{class}

    The two losses of the clusters are extras of the answer, ``min_cut`` and ``orthogonality``, which the
    objective ``min_cut`` reads. Memory grows with patches and edges, never with their square. A slide may
    have fewer patches than there are clusters.

    Args:
        in_channels: Channels of each node.
        hidden_channels: Width of graph convolution, clusters and transformer.
        clusters: Number of clusters K.
        num_layers: Blocks of the transformer.
        heads: Attention heads of each block.
        dropout: Dropout in the transformer.

    Shape: x ``[N, in_channels]``, E edges -> embedding ``[B, hidden_channels]``, extras ``[B]`` each; no
        attention.
    Raises: GraphError: if a slide has no node, or the batch has no edges to read. RecipeError: if the heads
        do not divide the width.
    Source: Zheng et al. 2022 and the authors' code; min-cut of Bianchi et al. 2020. Differs:
        LayerNorm instead of BatchNorm, which would mix the slides of a batch, and no L2 normalisation before
        it, which a LayerNorm undoes; the convolution is normalised by degrees and followed by ReLU as in the
        paper, not the plain sum of the code; the clusters are made on edges without self-loops; no GraphCAM.
    """

    gives = frozenset({"min_cut", "orthogonality"})
    uses_edges = True

    def __init__(
        self,
        in_channels: int,
        *,
        hidden_channels: int = 64,
        clusters: int = 100,
        num_layers: int = 3,
        heads: int = 8,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.out_channels = hidden_channels
        self.conv = GCNLayer(in_channels, hidden_channels, plain=True)
        self.norm = nn.LayerNorm(hidden_channels)
        self.members = nn.Linear(hidden_channels, clusters)
        self.token = nn.Parameter(torch.zeros(1, 1, hidden_channels))
        blocks = [TransformerBlock(hidden_channels, heads=heads, dropout=dropout) for _ in range(num_layers)]
        self.transformer = nn.Sequential(*blocks, nn.LayerNorm(hidden_channels))

    def forward(self, x: Tensor, bags: Bags) -> Aggregated:
        """Pool the nodes of each slide."""
        bags.require_rows(where="GTP")
        h = torch.relu(self.norm(self.conv(x, bags.adjacency(where="GTP"))))  # [N, hidden]
        found = min_cut(h, self.members(h).softmax(1), bags, where="GTP")
        tokens = torch.cat([self.token.expand(bags.num_graphs, -1, -1), found.rows], 1)  # [B, 1 + K, hidden]
        extras = {"min_cut": found.cut, "orthogonality": found.orthogonality}
        return Aggregated(self.transformer(tokens)[:, 0], extras=extras)
