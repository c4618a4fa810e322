"""What stands behind the sums of a graph layer, in one pass: bias, residual, LayerNorm, PReLU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from wsigraph.nn.kernels.device import on_numba


def norm_act(
    out: Tensor, bias: Tensor, residual: Tensor | None, *, norm: nn.LayerNorm, activation: nn.PReLU
) -> Tensor:
    r"""Add bias and residual, normalise each row, apply a leaky slope.

    .. math::  y = \mathrm{PReLU}(\mathrm{LayerNorm}(o + b + r))

    On a CPU in float32 or float64 each row is read once and written once; elsewhere, and under
    ``torch.export`` or ``torch.compile``, torch's own operations run.

    Args:
        out: ``[N, C]`` sums over neighbours.
        bias: ``[C]``.
        residual: ``[N, C]``, or None.
        norm: Over the C channels.
        activation: With one slope.

    Shape: ``[N, C]``.
    """
    tensors = (out, bias, norm.weight) if residual is None else (out, bias, norm.weight, residual)
    if not all(on_numba(v) and v.dtype == out.dtype for v in tensors):
        out = out + bias
        return activation(norm(out if residual is None else out + residual))
    return _NormAct.apply(out, bias, residual, norm.weight, norm.bias, activation.weight, norm.eps)


class _NormAct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        out: Tensor,
        bias: Tensor,
        residual: Tensor | None,
        weight: Tensor,
        shift: Tensor,
        slope: Tensor,
        eps: float,
    ) -> Tensor:
        from wsigraph.nn.kernels import numba_norm_act

        ctx.eps = eps
        ctx.save_for_backward(out, bias, residual, weight, shift, slope)
        y = torch.empty(out.shape, dtype=out.dtype)
        arguments = _arguments(out, bias, residual, weight, shift, slope)
        numba_norm_act.forward(out.numel() * 4, *arguments, eps, y.view(-1))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from wsigraph.nn.kernels import numba_norm_act
        from wsigraph.nn.kernels.numba_variants import BLOCK

        saved = ctx.saved_tensors
        out, _, residual, *_ = saved
        d_out = torch.empty(out.shape, dtype=out.dtype)
        sums = out.new_empty(-(-len(out) // BLOCK), 4, out.shape[1])
        arguments = _arguments(*saved)
        numba_norm_act.backward(out.numel() * 4, grad.reshape(-1), *arguments, ctx.eps, d_out.view(-1), sums)
        d_weight, d_shift, d_bias, d_slope = sums.sum(0)
        d_residual = None if residual is None else d_out
        return d_out, d_bias, d_residual, d_weight, d_shift, d_slope.sum().view(1), None


def _arguments(out: Tensor, bias: Tensor, residual: Tensor | None, *parameters: Tensor) -> list[Tensor]:
    added = out.new_empty(0) if residual is None else residual.reshape(-1)
    return [out.reshape(-1), bias, added, *parameters]
