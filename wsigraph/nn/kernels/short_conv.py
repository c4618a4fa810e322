"""A short causal convolution of each channel along a sequence, then SiLU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv1d, pad, silu

from wsigraph.nn.kernels.attention_op import flat
from wsigraph.nn.kernels.device import on_numba


def short_conv_silu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    r"""Mix each row with the few before it, channel by channel.

    .. math::  y_t = \mathrm{SiLU}\Bigl(b + \sum_{k=1}^{K} w_k \odot x_{t-K+k}\Bigr)

    with zeros before the first row. On a CPU in float32 or float64 a fused loop keeps nothing but x;
    elsewhere, and under ``torch.export`` or ``torch.compile``, torch's own operations run.

    Args:
        x: ``[n, C]``.
        weight: w ``[C, K]``; the last stands at the row itself.
        bias: b ``[C]``.

    Shape: ``[n, C]``.
    """
    if all(on_numba(v) and v.dtype == x.dtype for v in (x, weight, bias)):
        return _ShortConv.apply(x, weight, bias)
    before = pad(x.T, (weight.shape[1] - 1, 0))
    return silu(conv1d(before[None], weight[:, None], bias, groups=len(weight))[0].T)


class _ShortConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        from wsigraph.nn.kernels import numba_short_conv

        ctx.save_for_backward(x, weight, bias)
        out = torch.empty(x.shape, dtype=x.dtype)
        rows, stride, taps = _sides(x, weight)
        sizes = (len(x), x.shape[1], weight.shape[1])
        numba_short_conv.forward(weight.shape[1] * x.numel(), *sizes, rows, stride, taps, bias, out.view(-1))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        from wsigraph.nn.kernels import numba_short_conv
        from wsigraph.nn.kernels.numba_variants import BLOCK

        x, weight, bias = ctx.saved_tensors
        d_x, (width, count) = torch.empty(x.shape, dtype=x.dtype), weight.shape
        sums = x.new_empty(-(-len(x) // BLOCK), (count + 1) * width)
        rows, stride, taps = _sides(x, weight)
        sides = (grad.reshape(-1), rows, stride, taps, bias, d_x.view(-1), sums)
        numba_short_conv.backward(count * x.numel(), len(x), width, count, *sides)
        found = sums.sum(0).view(count + 1, width)
        return d_x, found[:count].T, found[count]


def _sides(x: Tensor, weight: Tensor) -> tuple[Tensor, int, Tensor]:
    rows, stride, _ = flat(x)
    return rows, stride, weight.T.reshape(-1)
