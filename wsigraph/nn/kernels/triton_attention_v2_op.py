"""GATv2's attention on CUDA as a torch operator with autograd: Triton behind ``torch.library``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.triton_attention_op import contiguous, save_inputs, structure_of


@torch.library.custom_op("wsigraph::triton_graph_attention_v2", mutates_args=())
def fused(
    h: Tensor,
    g: Tensor,
    a: Tensor,
    keep: Tensor | None,
    structure: list[Tensor],
    slope: float,
    wants_attention: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sum the sources of each target, weighed by a softmax over its incoming edges.

    Args:
        h: ``[S, H, D]`` projected sources: float, half, bfloat16 or double.
        g: ``[N, H, D]`` projected targets.
        a: ``[H, D]`` direction of the logit.
        keep: ``[E, H]`` factor of each attention weight in target order, or None for 1.
        structure: The tensors of ``triton_rows.Structure``.
        slope: Slope of the LeakyReLU.
        wants_attention: Whether to return the attention.

    Shape: out ``[N, H, D]`` (0 for a target without edges); attention ``[E, H]`` before dropout, without
        gradient, ``[0, H]`` unless wanted; peak and total of each softmax ``[N, H, 2]``; all in float, or
        double where h is. The output stays unrounded because the backward pass takes its mean from it.
    Source: Brody, Alon and Yahav 2022, eq. 7; the softmax in one pass: Milakov and Gimelshein 2018, alg. 3.
    """
    from wsigraph.nn.kernels import triton_attention_v2 as loops
    from wsigraph.nn.kernels.triton_rows import Structure
    from wsigraph.nn.kernels.triton_softmax import weights

    edges = Structure.of(structure)
    h, g, a, keep = contiguous(h, g, a, keep)
    with torch.cuda.device_of(h):
        out, stats, logits = loops.forward(
            h, g, a, keep, structure=edges, slope=slope, wants_logits=wants_attention
        )
        attention = weights(logits, stats, edges.ptr) if wants_attention else logits
    return out, attention, stats


@fused.register_fake
def _(
    h: Tensor,
    g: Tensor,
    a: Tensor,
    keep: Tensor | None,
    structure: list[Tensor],
    slope: float,
    wants_attention: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    targets, heads, width = g.shape
    kept = torch.float64 if h.dtype == torch.float64 else torch.float32
    edges = structure[1].shape[0] if wants_attention else 0
    return (
        h.new_empty(targets, heads, width, dtype=kept),
        h.new_empty(edges, heads, dtype=kept),
        h.new_empty(targets, heads, 2, dtype=kept),
    )


@torch.library.custom_op("wsigraph::triton_graph_attention_v2_backward", mutates_args=())
def _backward_op(
    grad: Tensor,
    h: Tensor,
    g: Tensor,
    a: Tensor,
    keep: Tensor | None,
    out: Tensor,
    stats: Tensor,
    structure: list[Tensor],
    slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    from wsigraph.nn.kernels import triton_attention_v2_backward as loops
    from wsigraph.nn.kernels.triton_rows import Structure

    inputs, edges = contiguous(h, g, a, keep), Structure.of(structure)
    with torch.cuda.device_of(h):
        return loops.backward(
            grad.to(h.dtype).contiguous(), inputs, out=out, stats=stats, structure=edges, slope=slope
        )


@_backward_op.register_fake
def _(grad: Tensor, h: Tensor, g: Tensor, a: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return h.new_empty(h.shape), g.new_empty(g.shape), a.new_empty(a.shape)


def _backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Any, ...]:
    *values, ptr, source, out_ptr, out_target, out_edge = ctx.saved_tensors
    structure = [ptr, source, out_ptr, out_target, out_edge]
    gradients = _backward_op(grad, *values, structure, ctx.slope)
    return *gradients, None, [None] * len(structure), None, None


fused.register_autograd(_backward, setup_context=save_inputs)


def triton_graph_attention_v2(
    h_src: Tensor,
    h_dst: Tensor,
    a: Tensor,
    *,
    adjacency: Adjacency,
    negative_slope: float,
    keep: Tensor | None,
    wants_attention: bool = True,
) -> tuple[Tensor, Tensor]:
    """GATv2's attention as ``reference.graph_attention_v2``; no message of an edge is ever stored.

    Args:
        h_src: ``[S, H, D]`` projected sources: float, half, bfloat16 or double.
        h_dst: ``[N, H, D]`` projected targets.
        a: ``[H, D]`` direction of the logit, one per head.
        adjacency: Edges from S sources into N targets.
        negative_slope: Slope of the LeakyReLU.
        keep: ``[E, H]`` factor of each attention weight in target order; None for 1.
        wants_attention: Whether to return the attention: without it nothing of size E is written.

    Shape: out ``[N, H, D]``; attention ``[E, H]`` before dropout, in float (double where h is), without
        gradient; ``[0, H]`` unless wanted.
    """
    structure = structure_of(adjacency)
    out, attention, _ = fused(h_src, h_dst, a, keep, structure, negative_slope, wants_attention)
    return out.to(h_src.dtype), attention
