"""Fused graph attention as a torch operator with autograd: the CPU loops behind ``torch.library``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency


@torch.library.custom_op("wsigraph::graph_attention", mutates_args=())
def fused_attention(
    h: Tensor, s: Tensor, t: Tensor, keep: Tensor | None, structure: list[Tensor], slope: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Forward: out ``[N, H, D]``, attention ``[E, H]`` and the weights ``[E, H]`` that were used.

    Args:
        h: ``[S, H, D]`` sources.
        s: ``[S, H]`` the source's half of the logit.
        t: ``[N, H]`` the target's half.
        keep: ``[E, H]`` factor of each attention weight; None for 1, and then the weights are empty.
        structure: What ``structure_of`` gives.
        slope: Slope of the LeakyReLU.
    """
    out = h.new_empty(t.shape[0], *h.shape[1:])
    attention = h.new_empty(structure[1].shape[0], h.shape[1])
    weight = attention.new_empty(0) if keep is None else torch.empty_like(attention)
    attend(flat(h), flat(s), flat(t), keep, structure, slope, (attention, weight, out))
    return out, attention, weight


@fused_attention.register_fake
def _(
    h: Tensor, s: Tensor, t: Tensor, keep: Tensor | None, structure: list[Tensor], slope: float
) -> tuple[Tensor, Tensor, Tensor]:
    attention = h.new_empty(structure[1].shape[0], h.shape[1])
    weight = attention.new_empty(0) if keep is None else torch.empty_like(attention)
    return h.new_empty(t.shape[0], *h.shape[1:]), attention, weight


@torch.library.custom_op("wsigraph::graph_attention_backward", mutates_args=())
def _backward_op(
    grad: Tensor,
    h: Tensor,
    s: Tensor,
    t: Tensor,
    attention: Tensor,
    weight: Tensor,
    structure: list[Tensor],
    slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    d_h, d_s, d_t = (torch.empty(v.shape, dtype=v.dtype) for v in (h, s, t))
    used = weight if weight.numel() else attention
    attend_backward(
        grad,
        (flat(h), flat(s), flat(t)),
        (attention, used),
        structure,
        slope,
        (flat(d_h), flat(d_s), flat(d_t)),
    )
    return d_h, d_s, d_t


@_backward_op.register_fake
def _(grad: Tensor, h: Tensor, s: Tensor, t: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(torch.empty(v.shape, dtype=v.dtype, device=v.device) for v in (h, s, t))  # type: ignore[return-value]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    h, s, t, _, structure, slope = inputs
    ctx.save_for_backward(h, s, t, *output[1:], *structure)
    ctx.mark_non_differentiable(*output[1:])
    ctx.set_materialize_grads(False)
    ctx.slope = slope


def _backward(ctx: Any, grad: Tensor | None, *_: Any) -> tuple[Any, ...]:
    if grad is None:
        return None, None, None, None, [None] * 6, None
    *values, p1, o1, e1, p2, o2, e2 = ctx.saved_tensors
    return (*_backward_op(grad, *values, [p1, o1, e1, p2, o2, e2], ctx.slope), None, [None] * 6, None)


fused_attention.register_autograd(_backward, setup_context=_setup)


def structure_of(adjacency: Adjacency, *values: Tensor) -> list[Tensor]:
    """Edges in both orders, as tensors: those into targets, then those out of sources.

    The second order is empty where none of ``values`` asks for a gradient: only the backward walks it.
    """
    inward = adjacency.by_target
    if values and not (torch.is_grad_enabled() and any(v.requires_grad for v in values)):
        nothing = inward.ptr[:0]
        return [inward.ptr, inward.other, inward.edge, nothing, nothing, nothing]
    outward = adjacency.by_source
    return [inward.ptr, inward.other, inward.edge, outward.ptr, outward.other, outward.edge]


Flat = tuple[Tensor, int, tuple[int, ...]]
"""Numbers in one row, elements from one row to the next, and what a row holds."""


def flat(rows: Tensor) -> Flat:
    """The tensor as the loops walk it: rows may lie apart, what is in a row must not."""
    inner = rows.shape[1:].numel()
    if rows.shape[0] == 0 or not rows[0].is_contiguous():
        rows = rows.contiguous()
    stride = rows.stride(0) if rows.shape[0] > 1 else inner
    length = (rows.shape[0] - 1) * stride + inner if rows.shape[0] else 0
    return torch.as_strided(rows, (length,), (1,)), stride, tuple(rows.shape[1:])


def attend(
    h: Flat,
    s: Flat,
    t: Flat,
    keep: Tensor | None,
    structure: list[Tensor],
    slope: float,
    results: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Fill attention, weight and out."""
    from wsigraph.nn.kernels import numba_attention

    attention, weight, out = (v.view(-1) for v in results)
    keeps = attention.new_empty(0) if keep is None else keep.reshape(-1)
    used = attention if keep is None else weight
    (heads, width), sides = h[2], (*h[:2], *s[:2], *t[:2])
    ends = structure[:3]
    numba_attention.forward(
        len(attention) * width, heads, width, *sides, keeps, *ends, slope, attention, used, out
    )


def attend_backward(
    grad: Tensor,
    sides: tuple[Flat, Flat, Flat],
    weights: tuple[Tensor, Tensor],
    structure: list[Tensor],
    slope: float,
    gradients: tuple[Flat, Flat, Flat],
) -> None:
    """Fill the gradients of h, s and t."""
    from wsigraph.nn.kernels import numba_attention, numba_edges

    (h, s, t), (d_h, d_s, d_t) = sides, gradients
    attention, weight = (v.view(-1) for v in weights)
    heads, width = h[2]
    dot, work = torch.empty_like(attention), len(attention) * width
    numba_edges.spread(work, heads, width, grad.reshape(-1), *h[:2], weight, *structure[3:], *d_h[:2], dot)
    ends = structure[:2]
    numba_attention.backward_target(
        work, heads, *s[:2], *t[:2], *ends, slope, attention, weight, dot, *d_t[:2]
    )
    numba_attention.backward_source(work, heads, structure[3], structure[5], dot, *d_s[:2])
