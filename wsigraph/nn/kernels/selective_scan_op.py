"""A selective state space with autograd: the CPU loops behind ``selective_scan``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def fused_scan(x: Tensor, step: Tensor, write: Tensor, read: Tensor, decay: Tensor, piece: int) -> Tensor:
    """``[n, D]``; arguments as ``selective_scan``, decay ``[S, D]``, states kept every ``piece`` rows."""
    trained = torch.is_grad_enabled() and any(one.requires_grad for one in (x, step, write, read, decay))
    kept = -(-len(x) // piece) if trained else 0
    return _FusedScan.apply(x, step, write, read, decay, piece, kept)


class _FusedScan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        step: Tensor,
        write: Tensor,
        read: Tensor,
        decay: Tensor,
        piece: int,
        kept: int,
    ) -> Tensor:
        from wsigraph.nn.kernels import numba_selective_scan

        given = [one.contiguous() for one in (x, step, write, read, decay)]
        states, channels = decay.shape
        ends, out = x.new_empty(kept, states, channels), torch.empty_like(given[0])
        work = x.numel() * states
        numba_selective_scan.forward(work, piece, channels, states, *_flat(*given, ends, out))
        ctx.save_for_backward(*given, ends)
        ctx.piece = piece
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        from wsigraph.nn.kernels import numba_selective_scan

        x, step, write, read, decay, ends = ctx.saved_tensors
        (states, channels), work = decay.shape, x[: ctx.piece].numel() * len(decay)
        d_x, d_step, d_write, d_read = (torch.empty_like(one) for one in (x, step, write, read))
        d_decay, d_state = torch.zeros_like(decay), torch.zeros_like(decay)
        blocks = -(-channels // numba_selective_scan.WIDTH)
        shares = x.new_empty(2, blocks, min(ctx.piece, len(x)) * states)
        given, found = _flat(grad.contiguous(), x, step, write, read, decay), (d_x, d_step, d_decay, d_state)
        for piece in reversed(range(len(ends))):
            first, last = piece * ctx.piece, min(len(x), (piece + 1) * ctx.piece)
            sides = (*given, ends[piece].view(-1), *_flat(*found), *shares)
            numba_selective_scan.backward(work, first, last, channels, states, *sides)
            own = shares[..., : (last - first) * states].sum(1)
            d_write[first:last], d_read[first:last] = own.view(2, -1, states)
        return d_x, d_step, d_write, d_read, d_decay, None, None


def _flat(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(one.view(-1) for one in tensors)
