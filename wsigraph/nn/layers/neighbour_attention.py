"""Attention of each patch to its neighbours alone, compared over the slide."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch_geometric.utils import softmax

from wsigraph.data.bags import Bags
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.layers.edge_dot import edge_dot


class NeighbourAttention(nn.Module):
    r"""Weigh each patch by how it fits the neighbours that resemble it.

    .. math::  s_{ij} = \exp(\cos(x_i, x_j) - 1) \text{ for an edge } j \to i, \quad
               w_i = \frac{1}{\sqrt d} \sum_j s_{ij}\, W_q t_i \cdot W_k t_j, \quad
               l_i = \mathrm{softmax}_i(w_i)\; W_v t_i

    The softmax is over all patches of the slide, so that l is small where a slide is large. A patch without
    neighbours has w = 0. Memory grows with patches and edges.

    Args:
        channels: Channels of each patch.
        attention_channels: Width d of queries and keys.

    Shape: t, x ``[N, channels]``, E edges -> ``[N, channels]``.
    Source: Fourkioti et al. 2024 (CAMIL), neighbour-constrained attention. Differs: patches resemble each
        other by the cosine of their embeddings, where the authors' code takes exp of minus the distances of
        their features, scaled to length 1 among the neighbours of each patch.
    """

    def __init__(self, channels: int, *, attention_channels: int = 256) -> None:
        super().__init__()
        self.query = nn.Linear(channels, attention_channels, bias=False)
        self.key = nn.Linear(channels, attention_channels, bias=False)
        self.value = nn.Linear(channels, channels, bias=False)

    def forward(self, t: Tensor, x: Tensor, bags: Bags) -> Tensor:
        """What each patch says of its neighbourhood.

        Args:
            t: ``[N, channels]`` rows that attend.
            x: ``[N, channels]`` rows that are compared.
            bags: How the rows are divided into slides, with edges.
        """
        adjacency = bags.adjacency(where="NeighbourAttention")
        unit = normalize(x, dim=1, eps=1e-6)
        alike = torch.exp(edge_dot(unit, unit, adjacency=adjacency) - 1)  # [E]
        query, near = self.query(t), aggregate(self.key(t), adjacency=adjacency, weight=alike)
        score = (query * near).sum(1, keepdim=True) / query.shape[1] ** 0.5  # [N, 1]
        return softmax(score, bags.batch, num_nodes=bags.num_graphs) * self.value(t)
