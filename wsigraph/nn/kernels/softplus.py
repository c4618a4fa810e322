"""Softplus that keeps its answer alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional


def softplus(x: Tensor) -> Tensor:
    r"""``torch``'s softplus, whose slope is found from the answer: :math:`1 - e^{-\mathrm{softplus}(x)}`.

    Where the answer is kept anyway, nothing is kept for the backward pass.

    Shape: any -> the same.
    """
    if torch.compiler.is_compiling():
        return functional.softplus(x)
    return _Softplus.apply(x)


class _Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = functional.softplus(x)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (out,) = ctx.saved_tensors
        return grad * torch.expm1(-out).neg_()
