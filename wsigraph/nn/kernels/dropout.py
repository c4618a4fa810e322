"""Dropout that stores no mask: each decision is drawn again in the backward pass from (seed, row, column)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsigraph.nn.kernels.device import on_numba
from wsigraph.nn.kernels.row_projection import Draw

_ROW = 512  # numbers of a row where the shape has no rows to speak of


def dropout(x: Tensor, p: float) -> Tensor:
    """Set each number to 0 with probability p and scale the others by 1 / (1 - p).

    On a CPU in float32 or float64 decisions have 16 bits, so that p is rounded to a multiple of 2^-16 (and
    the scale with it); the seed comes from torch's generator. Elsewhere, and under ``torch.export`` or
    ``torch.compile``, it is torch's own.

    Args:
        x: ``[..., C]``.
        p: Probability; 0 outside training.
    """
    if p == 0:
        return x
    if not on_numba(x):
        return torch.nn.functional.dropout(x, p)
    return _Dropout.apply(x, Draw.of(p))


def keep_factors(shape: tuple[int, ...], p: float, *, like: Tensor) -> Tensor:
    """Factors that drop what they multiply: 0 with probability p, else 1 / (1 - p).

    Args:
        shape: Shape of the factors.
        p: Probability.
        like: Gives type and device.
    """
    if not on_numba(like):
        return torch.nn.functional.dropout(like.new_ones(shape), p)
    numel = torch.Size(shape).numel()
    ones = like.new_ones(-(-numel // _ROW), _ROW)
    return _dropped(ones, Draw.of(p), out=ones).view(-1)[:numel].view(shape)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, draw: Draw) -> Tensor:
        ctx.draw = draw
        x = x.contiguous()
        rows = x.reshape(-1, x.shape[-1])
        return _dropped(rows, draw, out=torch.empty_like(rows)).view(x.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _Dropout.apply(grad, ctx.draw), None


def _dropped(rows: Tensor, draw: Draw, *, out: Tensor) -> Tensor:
    import numpy as np

    from wsigraph.nn.kernels import numba_dropout

    kind = np.float32 if rows.dtype == torch.float32 else np.float64
    numba_dropout.drop(rows.numel(), rows, np.uint64(draw.seed), draw.threshold, kind(draw.scale), out)
    return out
