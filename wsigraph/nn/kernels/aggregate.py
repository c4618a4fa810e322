"""Sum or mean over the sources of each node: the linear half of GCN, GraphSAGE and GIN."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import reference
from wsigraph.nn.kernels.device import on_numba, on_triton


def aggregate(
    h: Tensor,
    *,
    adjacency: Adjacency,
    weight: Tensor | None = None,
    reduce: Literal["sum", "mean"] = "sum",
) -> Tensor:
    r"""Sum the sources of each node, or average them.

    .. math::  o_v = \sum_{u \to v} w_{uv} h_u, \quad
               \text{mean: } \frac{1}{|\{u \to v\}|} \sum_{u \to v} w_{uv} h_u

    Args:
        h: ``[S, C]`` sources.
        adjacency: Edges from S sources into N targets.
        weight: ``[E]`` w in the order of ``adjacency.edge_index``; None for 1.
        reduce: The mean divides by the number of incoming edges, whatever their weights.

    Shape: ``[N, C]``, 0 for a node without incoming edges.
    """
    if reduce == "mean":
        weight = mean_weights(adjacency, h, weight)
    if on_triton(h):
        from wsigraph.nn.kernels.triton_aggregate_op import triton_aggregate

        return triton_aggregate(h, adjacency=adjacency, weight=weight)
    if on_numba(h):
        from wsigraph.nn.kernels.aggregate_op import fused_sum

        return fused_sum(h, adjacency=adjacency, weight=weight)
    return reference.aggregate_sum(
        h, edge_index=adjacency.edge_index, num_targets=adjacency.num_nodes, weight=weight
    )


def mean_weights(adjacency: Adjacency, like: Tensor, weight: Tensor | None = None) -> Tensor:
    """Weights that make a sum a mean: ``[E]`` one over the number of edges into each edge's target.

    Args:
        adjacency: Edges from sources into targets.
        like: Gives the type and device.
        weight: ``[E]`` to be multiplied in.
    """
    incoming = adjacency.by_target.ptr.diff()
    share = incoming.clamp(min=1).to(like.dtype).reciprocal()[adjacency.edge_index[1]]
    return share if weight is None else share * weight
