r"""Linear maps of rows under dropout, where many rows are one token: the first projection of a masked view.

Plainly: write out ``where(mask, token, values)`` with the added rows below, drop, multiply. Here nothing of
that size is stored: blocks of rows are gathered and dropped into a buffer that the multiplication reads, and
the backward pass draws the same decisions again. Rows that are the token have one gradient to give,

.. math::  \partial t = \sum_o W_o \odot \sum_n g_{no} k_n, \quad
           \partial W_{o} \mathrel{+}= t \odot \sum_n g_{no} k_n

with k_n the dropout factors of row n, so that the product ``g W`` is never formed for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wsigraph.nn.kernels import numba_rows

BLOCK = 2048
"""Rows that are written out at a time."""

LEVELS = 65536
"""Values of a decision of 16 bits."""


@dataclass(frozen=True)
class Draw:
    """Dropout of rows: which of 65536 values drop, by what the others are scaled, and the seed.

    Args:
        threshold: Of 65536 values of a decision, those that drop.
        seed: Decides everything.
    """

    threshold: int
    seed: int

    @classmethod
    def of(cls, p: float) -> Draw:
        """A new draw with probability ``p``; the seed comes from torch's generator."""
        seed = int(torch.randint(2**62, ()).item()) if p > 0 else 0
        return cls(round(p * LEVELS), seed)

    @property
    def scale(self) -> float:
        """Factor of what is kept; 0 where nothing is."""
        return LEVELS / (LEVELS - self.threshold) if self.threshold < LEVELS else 0.0


def project_rows(
    values: Tensor,
    weights: tuple[Tensor, ...],
    *,
    mask: Tensor | None = None,
    token: Tensor | None = None,
    added: Tensor | None = None,
    dropout: float = 0.0,
) -> tuple[Tensor, ...]:
    """``linear(drop(rows), weight)`` for each weight, with the rows of a view never written out.

    Args:
        values: ``[N, C]`` rows.
        weights: Each ``[O, C]``; all see the same dropped rows.
        mask: ``[N]`` bool, rows that are the token.
        token: ``[1, C]``.
        added: ``[A, C]`` further rows at the end, numbers N, N + 1, ...
        dropout: Probability of dropping an entry of a row.

    Shape: one ``[N + A, O]`` per weight.
    """
    draw = Draw.of(dropout)
    n = values.shape[0]
    everyone = torch.arange(n)
    hidden = everyone[:0] if mask is None or token is None else everyone[mask]
    plain = everyone if mask is None or token is None else everyone[~mask]
    token = values.new_zeros(1, values.shape[1]) if token is None else token
    added = values.new_zeros(0, values.shape[1]) if added is None else added
    return _Project.apply(draw, plain, hidden, values, token, added, *weights)


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        draw: Draw,
        plain: Tensor,
        hidden: Tensor,
        values: Tensor,
        token: Tensor,
        added: Tensor,
        *weights: Tensor,
    ) -> tuple[Tensor, ...]:
        values = values.contiguous()
        total = len(values) + len(added)
        outs = tuple(values.new_empty(total, len(w)) for w in weights)
        for rows in plain.split(BLOCK):
            _write(outs, rows, _dropped(values, rows, draw), weights)
        shrunk = tuple(w * token for w in weights)  # the token's columns scale the weight's
        if draw.threshold == 0 and len(hidden):  # all hidden rows are alike
            for out, w in zip(outs, weights, strict=True):
                out[hidden] = token @ w.T
        elif len(hidden):
            for rows in hidden.split(BLOCK):
                _write(outs, rows, _factors(rows, draw, like=values), shrunk)
        if len(added):
            rows = torch.arange(len(values), total)
            _write(outs, rows, added * _factors(rows, draw, like=values), weights)
        ctx.draw = draw
        ctx.save_for_backward(plain, hidden, values, token, added, *weights)
        return outs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        plain, hidden, values, token, added, *weights = ctx.saved_tensors
        draw: Draw = ctx.draw
        d_weights = [torch.zeros_like(w) for w in weights]
        d_values = torch.zeros_like(values) if ctx.needs_input_grad[3] else None
        for rows in plain.split(BLOCK):
            block = [g[rows] for g in grads]
            dropped = _dropped(values, rows, draw)
            _add_products(d_weights, block, dropped)
            if d_values is not None:
                torch.mm(block[0], weights[0], out=dropped)  # the buffer is free again
                for g, w in zip(block[1:], weights[1:], strict=True):
                    dropped.addmm_(g, w)
                _give_back(dropped, rows, draw, d_values)
        seen = [torch.zeros_like(w) for w in weights]  # sum of g k over hidden rows
        if draw.threshold == 0 and len(hidden):
            seen = [g[hidden].sum(0).unsqueeze(1).expand_as(w) for g, w in zip(grads, weights, strict=True)]
        else:
            for rows in hidden.split(BLOCK):
                _add_products(seen, [g[rows] for g in grads], _factors(rows, draw, like=values))
        d_token = torch.zeros_like(token)
        for w, d, s in zip(weights, d_weights, seen, strict=True):
            d.addcmul_(s, token.expand_as(s))
            d_token += (w * s).sum(0, keepdim=True)
        d_added = torch.zeros_like(added)
        if len(added):
            rows = torch.arange(len(values), len(values) + len(added))
            factors = _factors(rows, draw, like=values)
            below = [g[len(values) :] for g in grads]
            _add_products(d_weights, below, added * factors)
            d_added = sum((g @ w for g, w in zip(below, weights, strict=True)), d_added) * factors
        return (None, None, None, d_values, d_token, d_added, *d_weights)


def _write(outs: tuple[Tensor, ...], rows: Tensor, block: Tensor, weights: tuple[Tensor, ...]) -> None:
    for out, weight in zip(outs, weights, strict=True):
        if len(rows) and int(rows[-1]) - int(rows[0]) == len(rows) - 1:  # neighbours: no copy
            torch.mm(block, weight.T, out=out[int(rows[0]) : int(rows[0]) + len(rows)])
        else:
            out[rows] = block @ weight.T


def _add_products(sums: list[Tensor], grads: list[Tensor], block: Tensor) -> None:
    for total, grad in zip(sums, grads, strict=True):
        total.addmm_(grad.T, block)


def _dropped(values: Tensor, rows: Tensor, draw: Draw) -> Tensor:
    if draw.threshold == 0:
        return values[rows]
    out = values.new_empty(len(rows), values.shape[1])
    work = out.numel()
    numba_rows.gather_dropped(work, values, rows, *_arguments(draw, values), out)
    return out


def _factors(rows: Tensor, draw: Draw, *, like: Tensor) -> Tensor:
    if draw.threshold == 0:
        return like.new_ones(len(rows), like.shape[1])
    out = like.new_empty(len(rows), like.shape[1])
    numba_rows.gather_factors(out.numel(), rows, *_arguments(draw, like), out)
    return out


def _give_back(grad: Tensor, rows: Tensor, draw: Draw, into: Tensor) -> None:
    if draw.threshold == 0:
        into[rows] = grad
        return
    numba_rows.scatter_dropped(grad.numel(), grad, rows, *_arguments(draw, into), into)


def _arguments(draw: Draw, like: Tensor) -> tuple[Any, ...]:
    import numpy as np

    kind = np.float32 if like.dtype == torch.float32 else np.float64
    return np.uint64(draw.seed), draw.threshold, kind(draw.scale)
