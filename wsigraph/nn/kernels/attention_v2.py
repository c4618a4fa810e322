"""Graph attention whose logit looks at both ends before it is linear (GATv2)."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import reference
from wsigraph.nn.kernels.device import on_numba, on_triton
from wsigraph.nn.kernels.dropout import keep_factors


def graph_attention_v2(
    h_src: Tensor,
    h_dst: Tensor,
    a: Tensor,
    *,
    adjacency: Adjacency,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
) -> tuple[Tensor, Tensor]:
    r"""Sum the sources of each node, weighed by a softmax over its incoming edges.

    .. math::  e_{uv} = a^\top \mathrm{LeakyReLU}(h_u + g_v), \quad
               \alpha_{uv} = \mathrm{softmax}_{u \to v} e_{uv}, \quad o_v = \sum_u \alpha_{uv} h_u

    Args:
        h_src: ``[S, H, D]`` projected sources, which are also what is summed.
        h_dst: ``[N, H, D]`` g, projected targets.
        a: ``[H, D]`` direction of the logit, one per head.
        adjacency: Edges from S sources into N targets; self-loops are edges.
        negative_slope: Slope of the LeakyReLU.
        dropout: Probability of dropping an attention weight; 0 outside training.

    Shape: out ``[N, H, D]`` (0 for a node without incoming edges); attention ``[E, H]`` before dropout.
    Source: Brody, Alon and Yahav 2022, eq. 7.
    """
    shape = adjacency.edge_index.shape[1], h_src.shape[1]
    keep = keep_factors(shape, dropout, like=h_src) if dropout > 0 else None
    if on_triton(h_src):
        from wsigraph.nn.kernels.triton_attention_v2_op import triton_graph_attention_v2

        return triton_graph_attention_v2(
            h_src, h_dst, a, adjacency=adjacency, negative_slope=negative_slope, keep=keep
        )
    if on_numba(h_src):
        from wsigraph.nn.kernels.attention_v2_op import fused_attention_v2

        return fused_attention_v2(
            h_src, h_dst, a, adjacency=adjacency, negative_slope=negative_slope, keep=keep
        )
    return reference.graph_attention_v2(
        h_src, h_dst, a, edge_index=adjacency.edge_index, negative_slope=negative_slope, keep=keep
    )
