"""A state space whose step, input and output change from row to row, computed piece by piece."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.nn.kernels.device import on_numba

PIECE = 64
"""Rows whose states are there at once."""


def selective_scan(x: Tensor, step: Tensor, *, decay: Tensor, write: Tensor, read: Tensor) -> Tensor:
    r"""Run a selective state space along a sequence.

    .. math::  h_t = e^{\Delta_t A} \odot h_{t-1} + \Delta_t x_t B_t^\top, \quad y_t = h_t C_t

    States are kept at the ends of pieces alone, and those between are computed again in the backward pass:
    memory grows with the rows, not with rows times states. In single precision at least. On a CPU fused
    loops run, elsewhere torch's own operations row by row.

    Args:
        x: ``[n, D]``.
        step: Delta ``[n, D]``, positive.
        decay: A ``[D, S]``, negative.
        write: B ``[n, S]``.
        read: C ``[n, S]``.

    Shape: ``[n, D]``.
    Source: Gu and Dao 2023 (Mamba), eq. 2 and Algorithm 2, with B discretised to first order as in the
    authors' code.
    """
    kind = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        given = x.to(kind), step.to(kind), write.to(kind), read.to(kind), decay.to(kind).T
        if on_numba(given[0]):
            from wsigraph.nn.kernels.selective_scan_op import fused_scan

            return fused_scan(*given, PIECE)
        return _Scan.apply(*given)


def _states_of(
    x: Tensor, step: Tensor, write: Tensor, decay: Tensor, before: Tensor
) -> tuple[Tensor, Tensor]:
    """What is kept of the state before each row, and the state after it, ``[T, S, D]`` each."""
    keep = (step.unsqueeze(1) * decay).exp_()
    states = write.unsqueeze(2) * (step * x).unsqueeze(1)
    for factor, state in zip(keep.unbind(), states.unbind(), strict=True):
        before = state.addcmul_(factor, before)
    return keep, states


class _Scan(torch.autograd.Function):
    """Pieces forward; backward, pieces from the last to the first, each computed again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Tensor, write: Tensor, read: Tensor, decay: Tensor) -> Tensor:
        out = torch.empty_like(x)
        state = x.new_zeros(decay.shape)
        ends = [state]
        for begin in range(0, len(x), PIECE):
            rows = slice(begin, begin + PIECE)
            _, states = _states_of(x[rows], step[rows], write[rows], decay, state)
            out[rows] = (read[rows].unsqueeze(1) @ states).squeeze(1)
            state = states[-1].clone()  # lets go of the others
            ends.append(state)
        ctx.save_for_backward(x, step, write, read, decay, torch.stack(ends))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_out: Tensor) -> tuple[Tensor, ...]:
        x, step, write, read, decay, ends = ctx.saved_tensors
        grads = tuple(torch.empty_like(one) for one in (x, step, write, read))
        d_decay, d_state = torch.zeros_like(decay), torch.zeros_like(ends[0])
        for piece in reversed(range(len(ends) - 1)):
            rows = slice(piece * PIECE, (piece + 1) * PIECE)
            own = x[rows], step[rows], write[rows], read[rows]
            found, d_piece, d_state = _piece_backward(own, decay, ends[piece], d_out[rows], d_state)
            d_decay += d_piece
            for grad, part in zip(grads, found, strict=True):
                grad[rows] = part
        return *grads, d_decay


def _piece_backward(
    own: tuple[Tensor, Tensor, Tensor, Tensor], decay: Tensor, before: Tensor, d_out: Tensor, d_after: Tensor
) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor, Tensor]:
    """Gradients of x, step, write and read, of decay, and of the state before the piece."""
    x, step, write, read = own
    keep, states = _states_of(x, step, write, decay, before)
    d_states = read.unsqueeze(2) * d_out.unsqueeze(1)
    factors, places = keep.unbind(), d_states.unbind()
    places[-1].add_(d_after)
    for t in range(len(places) - 2, -1, -1):
        places[t].addcmul_(factors[t + 1], places[t + 1])
    d_before = factors[0] * places[0]
    d_read = (states @ d_out.unsqueeze(2)).squeeze(2)
    d_write = (d_states @ (step * x).unsqueeze(2)).squeeze(2)
    d_both = (write.unsqueeze(1) @ d_states).squeeze(1)  # of step times x
    d_exponent = keep.mul_(d_states)
    d_exponent[0].mul_(before)
    d_exponent[1:].mul_(states[:-1])
    d_step = torch.mul(d_exponent, decay, out=states).sum(1) + d_both * x
    d_decay = d_exponent.mul_(step.unsqueeze(1)).sum(0)
    return (d_both * step, d_step, d_write, d_read), d_decay, d_before
