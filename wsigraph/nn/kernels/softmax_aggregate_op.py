"""The softmax-weighed sum over neighbours with autograd: the CPU loops behind ``softmax_aggregate``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention_op import flat, structure_of


def fused_softmax_sum(h: Tensor, temperature: Tensor, *, adjacency: Adjacency) -> Tensor:
    """``[N, C]``; arguments as ``softmax_aggregate``."""
    return _SoftmaxSum.apply(h, temperature, *structure_of(adjacency, h, temperature))


class _SoftmaxSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, temperature: Tensor, *structure: Tensor) -> Tensor:
        from wsigraph.nn.kernels import numba_softmax_sum

        inward, width = structure[:2], h.shape[1]
        out, top, share = (torch.empty(len(inward[0]) - 1, width, dtype=h.dtype) for _ in range(3))
        work = len(inward[1]) * width
        rows = (out.view(-1), top.view(-1), share.view(-1))
        numba_softmax_sum.forward(work, width, *flat(h)[:2], temperature, *inward, *rows)
        ctx.save_for_backward(h, temperature, out, top, share, *structure)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from wsigraph.nn.kernels import numba_softmax_sum

        h, temperature, out, top, share, *_, ptr, target, _ = ctx.saved_tensors
        width, work = h.shape[1], len(target) * h.shape[1]
        d_h, d_t = torch.empty(h.shape, dtype=h.dtype), torch.empty(len(h), dtype=torch.float64)
        rows = [values.reshape(-1) for values in (grad * share, out, top)]
        numba_softmax_sum.backward(
            work, width, *flat(h)[:2], temperature, ptr, target, *rows, d_h.view(-1), d_t
        )
        return d_h, d_t.sum().to(temperature.dtype).view_as(temperature), *(None,) * 6
