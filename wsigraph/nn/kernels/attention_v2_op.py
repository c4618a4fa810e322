"""Fused GATv2 attention with autograd: the CPU loops behind ``graph_attention_v2``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention_op import flat, structure_of


def fused_attention_v2(
    h_src: Tensor,
    h_dst: Tensor,
    a: Tensor,
    *,
    adjacency: Adjacency,
    negative_slope: float,
    keep: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Out ``[N, H, D]`` and attention ``[E, H]``; arguments as ``reference.graph_attention_v2``."""
    return _AttentionV2.apply(h_src, h_dst, a, keep, negative_slope, *structure_of(adjacency))


class _AttentionV2(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, h: Tensor, g: Tensor, a: Tensor, keep: Tensor | None, slope: float, *structure: Tensor
    ) -> tuple[Tensor, Tensor]:
        from wsigraph.nn.kernels import numba_attention_v2 as loops

        a, heads, width = a.contiguous(), *h.shape[1:]
        out = torch.empty(g.shape, dtype=h.dtype)
        attention = h.new_empty(structure[1].shape[0], heads)
        weight = attention if keep is None else torch.empty_like(attention)
        keeps = h.new_empty(0) if keep is None else keep.reshape(-1)
        sides = (*flat(h)[:2], *flat(g)[:2], a.view(-1))
        results = (attention.view(-1), weight.view(-1), out.view(-1))
        work = 2 * attention.numel() * width
        loops.forward(work, heads, width, *sides, keeps, *structure[:3], slope, *results)
        ctx.slope = slope
        ctx.save_for_backward(h, g, a, attention, weight, *structure)
        ctx.mark_non_differentiable(attention)
        ctx.set_materialize_grads(False)
        return out, attention

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor | None, _: Any) -> tuple[Tensor | None, ...]:
        from wsigraph.nn.kernels import numba_attention_v2 as loops
        from wsigraph.nn.kernels import numba_edges
        from wsigraph.nn.kernels.numba_variants import BLOCK

        h, g, a, attention, weight, *structure = ctx.saved_tensors
        nothing = (None,) * (2 + len(structure))
        if grad is None:
            return None, None, None, *nothing
        heads, width = h.shape[1:]
        d_h, d_g = (torch.empty(v.shape, dtype=v.dtype) for v in (h, g))
        d_a = h.new_zeros(-(-len(g) // BLOCK), heads * width)
        dot, work = torch.empty_like(attention).view(-1), 2 * attention.numel() * width
        flat_h, sides = flat(h)[:2], (*flat(h)[:2], *flat(g)[:2], a.view(-1))
        inward, outward = structure[:2], structure[3:]
        used = (attention.view(-1), weight.view(-1), dot)
        numba_edges.spread(
            work, heads, width, grad.reshape(-1), *flat_h, used[1], *outward, *flat(d_h)[:2], dot
        )
        loops.backward_target(work, heads, width, *sides, *inward, ctx.slope, *used, d_g.view(-1), d_a)
        loops.backward_source(work, heads, width, *sides, *outward, ctx.slope, dot, d_h.view(-1))
        return d_h, d_g, d_a.sum(0).view(heads, width), *nothing
