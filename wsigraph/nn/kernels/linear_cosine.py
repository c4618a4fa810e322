r"""Cosine error of linearly rebuilt rows, block by block: the rebuilt rows are never all there at once.

The gradient is known up to one factor when the loss is computed, so it is formed in the same pass over the
blocks, and the backward pass only scales it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

BLOCK = 2048
"""Rows that are rebuilt at a time."""

EPS = 1e-8
"""Smallest product of norms, as in ``torch.nn.functional.cosine_similarity``."""


def linear_cosine(
    x: Tensor, weight: Tensor, bias: Tensor, *, target: Tensor, row_weight: Tensor, alpha: float = 1.0
) -> Tensor:
    r"""Weighed sum of the cosine errors of ``linear(x, weight, bias)`` against ``target``.

    .. math::  L = \sum_i r_i\,(1 - \cos(W x_i + b, y_i))^\alpha

    Args:
        x: ``[M, D]``.
        weight: ``[C, D]`` W.
        bias: ``[C]`` b.
        target: ``[M, C]`` y, without gradient.
        row_weight: ``[M]`` r, without gradient.
        alpha: Exponent.

    Shape: a scalar.
    """
    kind = torch.promote_types(x.dtype, torch.float32)  # under autocast too: cosines want the digits
    with torch.autocast(x.device.type, enabled=False):
        return _LinearCosine.apply(
            x.to(kind), weight.to(kind), bias.to(kind), target.to(kind), row_weight.to(kind), alpha
        )


class _LinearCosine(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        target: Tensor,
        row_weight: Tensor,
        alpha: float,
    ) -> Tensor:
        learns = any(ctx.needs_input_grad[:3])
        d_x = torch.empty_like(x) if learns else x.new_empty(0)
        d_weight, d_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        total = x.new_zeros(())
        for begin in range(0, len(x), BLOCK):
            rows = slice(begin, begin + BLOCK)
            value, grad = _block(
                torch.addmm(bias, x[rows], weight.T), target[rows], row_weight[rows, None], alpha
            )
            total += value
            if learns:
                torch.mm(grad, weight, out=d_x[rows])
                d_weight.addmm_(grad.T, x[rows])
                d_bias += grad.sum(0)
        ctx.save_for_backward(d_x, d_weight, d_bias)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        d_x, d_weight, d_bias = ctx.saved_tensors
        return grad * d_x, grad * d_weight, grad * d_bias, None, None, None


def _block(rebuilt: Tensor, target: Tensor, row_weight: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Loss of a block and its gradient by the rebuilt rows, which it overwrites."""
    square, other = rebuilt.square().sum(1, keepdim=True), target.square().sum(1, keepdim=True)
    size = (square * other).sqrt().clamp(min=EPS)  # [m, 1]
    cosine = (rebuilt * target).sum(1, keepdim=True) / size
    error = 1.0 - cosine
    slope = -row_weight  # of the loss by the cosine
    if alpha != 1.0:
        error = error.clamp(min=0.0)
        slope = slope * alpha * error.pow(alpha - 1.0)
        error = error.pow(alpha)
    # d cos / d rebuilt = target / size - cos rebuilt / |rebuilt|^2, the second where the size is not clamped
    own = torch.where(size > EPS, slope * cosine / square.clamp(min=EPS**2), torch.zeros_like(size))
    grad = rebuilt.mul_(-own).addcmul_(target, slope / size)
    return (row_weight * error).sum(), grad
