"""Moments over neighbours with autograd: the CPU loops behind ``neighbour_moments``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention_op import flat, structure_of


def fused_moments(h: Tensor, *, adjacency: Adjacency) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean, variance, largest and smallest, each ``[N, C]``; arguments as ``neighbour_moments``."""
    return _Moments.apply(h, *structure_of(adjacency, h))


class _Moments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, *structure: Tensor) -> tuple[Tensor, ...]:
        from wsigraph.nn.kernels import numba_moments

        inward, width = structure[:2], h.shape[1]
        results = [torch.empty(len(inward[0]) - 1, width, dtype=h.dtype) for _ in range(4)]
        work = len(inward[1]) * width
        numba_moments.forward(work, width, *flat(h)[:2], *inward, *(r.view(-1) for r in results))
        mean, _, largest, smallest = results
        ctx.save_for_backward(h, mean, largest, smallest, *structure)
        return tuple(results)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        from wsigraph.nn.kernels import numba_moments

        h, mean, largest, smallest, inward, source, _, outward, target, _ = ctx.saved_tensors
        width, work = h.shape[1], len(target) * h.shape[1]
        share = inward.diff().clamp(min=1).to(h.dtype).reciprocal().unsqueeze(1)
        of_mean, of_variance = grads[0] * share, grads[1] * share * 2
        ends = [values.reshape(-1) for values in (largest, smallest)]
        tied = [values.clone().reshape(-1) for values in grads[2:]]  # divided among ties in place
        sides = flat(h)[:2]
        numba_moments.share_ties(work, width, *sides, inward, source, *ends, *tied)
        d_h = torch.empty(h.shape, dtype=h.dtype)
        rows = [values.reshape(-1) for values in (mean, of_mean, of_variance)]
        numba_moments.backward(work, width, *sides, outward, target, *rows, *ends, *tied, d_h.view(-1))
        return d_h, *(None,) * 6
