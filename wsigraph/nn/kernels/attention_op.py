"""Fused graph attention as a torch operator with autograd: the CPU loops behind ``torch.library``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

PARALLEL_FROM = 4096
"""Nodes times heads below which starting threads costs more than it saves."""


def _threads(rows: int) -> int:
    """Threads to use: one in a loader worker (OpenMP kills a forked one) and for small graphs."""
    return 1 if get_worker_info() is not None or rows < PARALLEL_FROM else torch.get_num_threads()


def _run(name: str, rows: int, *arrays: Any) -> None:
    before = torch.get_num_threads()
    _call(name, rows, *(a.detach().numpy() if isinstance(a, Tensor) else a for a in arrays))
    if torch.get_num_threads() != before:  # Numba sets OpenMP's number when it first loads, torch's with it
        torch.set_num_threads(before)


def _call(name: str, rows: int, *values: Any) -> None:
    import numba

    from wsigraph.nn.kernels import numba_attention

    threads = min(_threads(rows), numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if threads == 1:
        getattr(numba_attention, f"{name}_sequential")(*values)
        return
    numba.set_num_threads(threads)
    getattr(numba_attention, f"{name}_parallel")(*values)


@torch.library.custom_op("wsigraph::graph_attention", mutates_args=())
def fused_attention(
    h: Tensor,
    s: Tensor,
    t: Tensor,
    keep: Tensor,
    ptr: Tensor,
    source: Tensor,
    out_ptr: Tensor,
    out_target: Tensor,
    out_edge: Tensor,
    slope: float,
) -> tuple[Tensor, Tensor]:
    """Forward: ``[N, H, D]`` and attention ``[E, H]``; see ``reference.graph_attention``."""
    h, s, t = h.contiguous(), s.contiguous(), t.contiguous()
    out = h.new_zeros(ptr.shape[0] - 1, *h.shape[1:])
    attention = h.new_empty(source.shape[0], h.shape[1])
    _run("forward", h.shape[0] * h.shape[1], h, s, t, keep, ptr, source.contiguous(), slope, out, attention)
    return out, attention


@fused_attention.register_fake
def _(
    h: Tensor, s: Tensor, t: Tensor, keep: Tensor, ptr: Tensor, source: Tensor, *rest: Any
) -> tuple[Tensor, Tensor]:
    return h.new_empty(ptr.shape[0] - 1, *h.shape[1:]), h.new_empty(source.shape[0], h.shape[1])


@torch.library.custom_op("wsigraph::graph_attention_backward", mutates_args=())
def _backward_op(
    grad: Tensor,
    h: Tensor,
    s: Tensor,
    t: Tensor,
    keep: Tensor,
    attention: Tensor,
    ptr: Tensor,
    source: Tensor,
    out_ptr: Tensor,
    out_target: Tensor,
    out_edge: Tensor,
    slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    grad, h, s, t = grad.contiguous(), h.contiguous(), s.contiguous(), t.contiguous()
    d_h, d_s, d_t = torch.zeros_like(h), torch.zeros_like(s), torch.zeros_like(t)
    d_logit = torch.empty_like(attention)
    rows = h.shape[0] * h.shape[1]
    source = source.contiguous()
    _run("backward_target", rows, grad, h, s, t, keep, attention, ptr, source, slope, d_logit, d_t)
    _run("backward_source", rows, grad, keep, attention, d_logit, out_ptr, out_target, out_edge, d_h, d_s)
    return d_h, d_s, d_t


@_backward_op.register_fake
def _(grad: Tensor, h: Tensor, s: Tensor, t: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(h), torch.empty_like(s), torch.empty_like(t)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    h, s, t, keep, *structure, slope = inputs
    ctx.save_for_backward(h, s, t, keep, output[1], *structure)
    ctx.mark_non_differentiable(output[1])
    ctx.slope = slope


def _backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    return (*_backward_op(grad, *ctx.saved_tensors, ctx.slope), *(None,) * 7)


fused_attention.register_autograd(_backward, setup_context=_setup)
