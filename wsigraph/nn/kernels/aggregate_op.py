"""Fused weighted sums over neighbours with autograd: the CPU loops behind ``aggregate``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention_op import flat, structure_of


def fused_sum(h: Tensor, *, adjacency: Adjacency, weight: Tensor | None) -> Tensor:
    """``[N, C]``; arguments as ``reference.aggregate_sum``."""
    weight = h.new_ones(adjacency.edge_index.shape[1]) if weight is None else weight
    return _Sum.apply(h, weight, *structure_of(adjacency))


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, *structure: Tensor) -> Tensor:
        from wsigraph.nn.kernels import numba_edges

        weight, width = weight.contiguous(), h.shape[1]
        out = torch.empty(len(structure[0]) - 1, width, dtype=h.dtype)
        work = len(weight) * width
        numba_edges.gather(work, 1, width, *flat(h)[:2], weight, *structure[:3], out.view(-1))
        ctx.save_for_backward(h, weight, *structure)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from wsigraph.nn.kernels import numba_edges

        h, weight, *structure = ctx.saved_tensors
        outward, nothing = structure[3:], (None,) * len(structure)
        width, work = h.shape[1], len(weight) * h.shape[1]
        d_h, rows = torch.empty(h.shape, dtype=h.dtype), grad.reshape(-1)
        if not ctx.needs_input_grad[1]:
            numba_edges.gather(work, 1, width, rows, width, weight, *outward, d_h.view(-1))
            return d_h, None, *nothing
        d_weight = torch.empty_like(weight)
        numba_edges.spread(work, 1, width, rows, *flat(h)[:2], weight, *outward, *flat(d_h)[:2], d_weight)
        return d_h, d_weight, *nothing
