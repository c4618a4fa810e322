"""Fused graph attention on CUDA as a torch operator with autograd: Triton behind ``torch.library``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency


@torch.library.custom_op("wsigraph::triton_graph_attention", mutates_args=())
def fused(
    h: Tensor,
    s: Tensor,
    t: Tensor,
    keep: Tensor | None,
    structure: list[Tensor],
    slope: float,
    wants_attention: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Sum the sources of each target, weighed by a softmax over its incoming edges.

    Args:
        h: ``[S, H, D]`` projected sources: float, half, bfloat16 or double.
        s: ``[S, H]`` the source's half of the logit.
        t: ``[N, H]`` the target's half.
        keep: ``[E, H]`` factor of each attention weight in target order, or None for 1.
        structure: The tensors of ``triton_rows.Structure``.
        slope: Slope of the LeakyReLU.
        wants_attention: Whether to return the attention.

    Shape: out ``[N, H, D]`` (0 for a target without edges); attention ``[E, H]`` before dropout, without
        gradient, ``[0, H]`` unless wanted; peak and total of each softmax ``[N, H, 2]``; all in float, or
        double where h is. The output stays unrounded because the backward pass takes its mean from it.
    Source: Velickovic et al. 2018, eq. 1-6; the softmax in one pass: Milakov and Gimelshein 2018, alg. 3.
    """
    from wsigraph.nn.kernels import triton_attention as loops
    from wsigraph.nn.kernels.triton_rows import Structure
    from wsigraph.nn.kernels.triton_softmax import weights

    edges = Structure.of(structure)
    h, s, t, keep = contiguous(h, s, t, keep)
    with torch.cuda.device_of(h):
        out, stats, logits = loops.forward(
            h, s, t, keep, structure=edges, slope=slope, wants_logits=wants_attention
        )
        attention = weights(logits, stats, edges.ptr) if wants_attention else logits
    return out, attention, stats


def contiguous(*tensors: Tensor | None) -> tuple[Any, ...]:
    """The tensors as the loops walk them."""
    return tuple(None if v is None else v.contiguous() for v in tensors)


@fused.register_fake
def _(
    h: Tensor,
    s: Tensor,
    t: Tensor,
    keep: Tensor | None,
    structure: list[Tensor],
    slope: float,
    wants_attention: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    (targets, heads), width = t.shape, h.shape[2]
    kept = torch.float64 if h.dtype == torch.float64 else torch.float32
    edges = structure[1].shape[0] if wants_attention else 0
    return (
        h.new_empty(targets, heads, width, dtype=kept),
        h.new_empty(edges, heads, dtype=kept),
        h.new_empty(targets, heads, 2, dtype=kept),
    )


@torch.library.custom_op("wsigraph::triton_graph_attention_backward", mutates_args=())
def _backward_op(
    grad: Tensor,
    h: Tensor,
    s: Tensor,
    t: Tensor,
    keep: Tensor | None,
    out: Tensor,
    stats: Tensor,
    structure: list[Tensor],
    slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    from wsigraph.nn.kernels import triton_attention as loops
    from wsigraph.nn.kernels.triton_rows import Structure

    inputs, edges = contiguous(h, s, t, keep), Structure.of(structure)
    with torch.cuda.device_of(h):
        return loops.backward(
            grad.to(h.dtype).contiguous(), inputs, out=out, stats=stats, structure=edges, slope=slope
        )


@_backward_op.register_fake
def _(grad: Tensor, h: Tensor, s: Tensor, t: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return h.new_empty(h.shape), s.new_empty(s.shape), t.new_empty(t.shape)


def save_inputs(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    """Keep for the backward pass what it works every weight out from."""
    *values, structure, slope, _ = inputs
    out, attention, stats = output
    ctx.save_for_backward(*values, out, stats, *structure)
    ctx.mark_non_differentiable(attention, stats)
    ctx.slope = slope


def _backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Any, ...]:
    *values, ptr, source, out_ptr, out_target, out_edge = ctx.saved_tensors
    structure = [ptr, source, out_ptr, out_target, out_edge]
    gradients = _backward_op(grad, *values, structure, ctx.slope)
    return *gradients, None, [None] * len(structure), None, None


fused.register_autograd(_backward, setup_context=save_inputs)


def structure_of(adjacency: Adjacency) -> list[Tensor]:
    """Edges in both orders, as the operators take them."""
    inward, outward = adjacency.by_target, adjacency.by_source
    return [inward.ptr, inward.other, outward.ptr, outward.other, outward.edge]


def triton_graph_attention(
    h: Tensor,
    logits_src: Tensor,
    logits_dst: Tensor,
    *,
    adjacency: Adjacency,
    negative_slope: float,
    keep: Tensor | None,
    wants_attention: bool = True,
) -> tuple[Tensor, Tensor]:
    """Graph attention as ``reference.graph_attention``, in one walk over the edges each way.

    Args:
        h: ``[S, H, D]`` projected sources: float, half, bfloat16 or double.
        logits_src: ``[S, H]``.
        logits_dst: ``[N, H]``.
        adjacency: Edges from S sources into N targets.
        negative_slope: Slope of the LeakyReLU.
        keep: ``[E, H]`` factor of each attention weight in target order; None for 1.
        wants_attention: Whether to return the attention: without it nothing of size E is written.

    Shape: out ``[N, H, D]``; attention ``[E, H]`` before dropout, in float (double where h is), without
        gradient; ``[0, H]`` unless wanted.
    """
    structure = structure_of(adjacency)
    out, attention, _ = fused(h, logits_src, logits_dst, keep, structure, negative_slope, wants_attention)
    return out.to(h.dtype), attention
