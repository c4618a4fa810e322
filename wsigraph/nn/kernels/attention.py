"""Graph attention: the fused operator where there is one, the plain-torch reference elsewhere."""

from __future__ import annotations

from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import reference
from wsigraph.nn.kernels.device import on_numba, on_triton
from wsigraph.nn.kernels.dropout import keep_factors


def graph_attention(
    h: Tensor,
    logits_src: Tensor,
    logits_dst: Tensor,
    *,
    adjacency: Adjacency,
    negative_slope: float = 0.2,
    dropout: float = 0.0,
) -> tuple[Tensor, Tensor]:
    r"""Sum the sources of each node, weighed by a softmax over its incoming edges.

    .. math::  e_{uv} = \mathrm{LeakyReLU}(s_u + t_v), \quad
               \alpha_{uv} = \mathrm{softmax}_{u \to v} e_{uv}, \quad o_v = \sum_u \alpha_{uv} h_u

    On a CPU in float32 or float64, and on a GPU where Triton is installed, a fused operator walks the edges
    of each node and stores no message; elsewhere, under ``torch.export``, and on a CPU under
    ``torch.compile``, the plain-torch reference runs.

    Args:
        h: ``[S, H, D]`` projected sources.
        logits_src: ``[S, H]`` s.
        logits_dst: ``[N, H]`` t.
        adjacency: Edges from S sources into N targets, mostly the same nodes; self-loops are edges.
        negative_slope: Slope of the LeakyReLU.
        dropout: Probability of dropping an attention weight; 0 outside training.

    Shape: out ``[N, H, D]`` (0 for a node without incoming edges); attention ``[E, H]`` before dropout,
        without gradient in the fused form.
    Source: Velickovic et al. 2018, eq. 1-6.
    """
    shape = adjacency.edge_index.shape[1], h.shape[1]
    keep = keep_factors(shape, dropout, like=h) if dropout > 0 else None
    if on_triton(h):
        from wsigraph.nn.kernels.triton_attention_op import triton_graph_attention

        return triton_graph_attention(
            h, logits_src, logits_dst, adjacency=adjacency, negative_slope=negative_slope, keep=keep
        )
    if not on_numba(h):
        return reference.graph_attention(
            h,
            logits_src,
            logits_dst,
            edge_index=adjacency.edge_index,
            negative_slope=negative_slope,
            keep=keep,
        )
    from wsigraph.nn.kernels.attention_op import fused_attention, structure_of

    out, attention, _ = fused_attention(
        h, logits_src, logits_dst, keep, structure_of(adjacency, h, logits_src, logits_dst), negative_slope
    )
    return out, attention
