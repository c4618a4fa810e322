"""What stands behind a state space: a skip past it, and a gate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

from wsigraph.nn.kernels.attention_op import flat
from wsigraph.nn.kernels.device import on_numba


def gated_skip(y: Tensor, u: Tensor, skip: Tensor, gate: Tensor) -> Tensor:
    r"""Add what was read, channel by channel, and gate the sum.

    .. math::  (y + D \odot u) \odot \mathrm{SiLU}(z)

    On a CPU in float32 or float64 a fused loop keeps nothing but its inputs; elsewhere, and under
    ``torch.export`` or ``torch.compile``, torch's own operations run.

    Args:
        y: ``[n, C]`` what the state space answered.
        u: ``[n, C]`` what it read.
        skip: D ``[C]``.
        gate: z ``[n, C]``.

    Shape: ``[n, C]``.
    """
    if all(on_numba(v) and v.dtype == y.dtype for v in (y, u, skip, gate)):
        return _GatedSkip.apply(y, u, skip, gate)
    return (y + skip * u) * silu(gate)


class _GatedSkip(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, u: Tensor, skip: Tensor, gate: Tensor) -> Tensor:
        from wsigraph.nn.kernels import numba_gated_skip

        ctx.save_for_backward(y, u, skip, gate)
        out, rows = torch.empty(y.shape, dtype=y.dtype), (y.reshape(-1), u.reshape(-1))
        numba_gated_skip.forward(3 * y.numel(), *y.shape, *rows, skip, *flat(gate)[:2], out.view(-1))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        from wsigraph.nn.kernels import numba_gated_skip
        from wsigraph.nn.kernels.numba_variants import BLOCK

        y, u, skip, gate = ctx.saved_tensors
        d_y, d_u, d_gate = (torch.empty(y.shape, dtype=y.dtype) for _ in range(3))
        sums = y.new_empty(-(-len(y) // BLOCK), y.shape[1])
        rows = (one.reshape(-1) for one in (grad, y, u))
        found = (d_y.view(-1), d_u.view(-1), d_gate.view(-1), sums)
        numba_gated_skip.backward(4 * y.numel(), *y.shape, *rows, skip, *flat(gate)[:2], *found)
        return d_y, d_u, sums.sum(0), d_gate
