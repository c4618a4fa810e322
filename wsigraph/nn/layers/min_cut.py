"""Soft clusters of each slide's graph, and how well they cut it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wsigraph.data.bags import Bags
from wsigraph.nn.kernels.aggregate import aggregate


@dataclass(frozen=True)
class Clusters:
    """K soft clusters in each of B slides.

    Args:
        rows: ``[B, K, C]`` sums of the members' rows.
        edges: ``[B, K, K]`` weight of the edges from cluster to cluster.
        cut: ``[B]`` -1 where no edge leaves a cluster, 0 in a slide without edges.
        orthogonality: ``[B]`` 0 where clusters are equally heavy and share no node, at most sqrt 2.
    """

    rows: Tensor
    edges: Tensor
    cut: Tensor
    orthogonality: Tensor


def min_cut(x: Tensor, members: Tensor, bags: Bags, *, where: str) -> Clusters:
    r"""Pool nodes into clusters, and measure the clusters.

    .. math::  X' = S^\top X, \quad A' = S^\top A S, \quad
               L_c = -\mathrm{tr}(A') / \mathrm{tr}(S^\top D S), \quad
               L_o = \bigl\lVert S^\top S / \lVert S^\top S \rVert_F - I_K / \sqrt K \bigr\rVert_F

    D holds the number of edges out of each node. A S is a sum over neighbours, so that memory grows with
    nodes and edges; self-loops are left out, since every clustering keeps them.

    Args:
        x: ``[N, C]`` rows.
        members: ``[N, K]`` S, the share of each node in each cluster; rows sum to 1.
        bags: How the nodes are divided into slides, with edges.
        where: Who asks, for the error.

    Raises: GraphError: if the batch has no edges to read.
    Source: Bianchi, Grattarola and Alippi 2020 (minCUT pooling and both parts of its loss). Differs: a slide
        without edges has cut 0, where the quotient is not defined; self-loops left out; A' is not normalised.
    """
    adjacency = bags.adjacency(where=where)
    source, target = adjacency.edge_index[0], adjacency.edge_index[1]
    crosses = (source != target).to(members.dtype)  # [E]
    heard = aggregate(members, adjacency=adjacency, weight=crosses)  # [N, K], A^T S
    parts, sums = bags.split(members), bags.split(heard)
    edges = torch.stack([of.T @ s for of, s in zip(sums, parts, strict=True)])  # [B, K, K]
    rows = torch.stack([s.T @ of for of, s in zip(bags.split(x), parts, strict=True)])  # [B, K, C]
    shared = torch.stack([s.T @ s for s in parts])  # [B, K, K]
    degree = torch.zeros_like(members[:, 0]).index_add_(0, source, crosses)  # [N]
    inside = edges.diagonal(dim1=1, dim2=2).sum(1)  # [B]
    total = bags.sum((degree * members.square().sum(1)).unsqueeze(1)).squeeze(1)  # [B]
    cut = torch.where(total > 0, -inside / torch.where(total > 0, total, 1.0), 0.0)
    return Clusters(rows, edges, cut, _orthogonality(shared))


def _orthogonality(shared: Tensor) -> Tensor:
    k = shared.shape[1]
    equal = torch.eye(k, dtype=shared.dtype, device=shared.device) / k**0.5
    length = torch.linalg.matrix_norm(shared, keepdim=True)
    return torch.linalg.matrix_norm(shared / length - equal)
