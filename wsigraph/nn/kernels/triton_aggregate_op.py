"""Weighted sums over neighbours on CUDA as torch operators with autograd: Triton behind ``torch.library``.

The gradient of a sum over incoming edges is the same sum over outgoing edges, so one operator is both.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency


@torch.library.custom_op("wsigraph::triton_weighted_sum", mutates_args=())
def weighted_sum(x: Tensor, weight: Tensor | None, structure: list[Tensor]) -> Tensor:
    """Sum the neighbours of each row, each times the weight of its edge.

    Args:
        x: ``[S, C]`` values of the other ends: float, half, bfloat16 or double.
        weight: ``[E]`` in target order, or None for 1.
        structure: ptr, other and edge of the walk, then of its transpose; see ``data.adjacency.Order``.

    Shape: ``[N, C]`` in the type of x; 0 for a row without edges.
    """
    from wsigraph.nn.kernels import triton_aggregate as loops

    ptr, other, edge = structure[:3]
    with torch.cuda.device_of(x):
        return loops.weighted_sum(x, weight, ptr=ptr, other=other, edge=edge)


@weighted_sum.register_fake
def _(x: Tensor, weight: Tensor | None, structure: list[Tensor]) -> Tensor:
    return x.new_empty(structure[0].shape[0] - 1, x.shape[1])


@torch.library.custom_op("wsigraph::triton_edge_dots", mutates_args=())
def _edge_dots(x: Tensor, grad: Tensor, structure: list[Tensor]) -> Tensor:
    from wsigraph.nn.kernels import triton_aggregate as loops

    ptr, other, edge = structure[:3]
    with torch.cuda.device_of(x):
        return loops.edge_dots(x, grad, ptr=ptr, other=other, edge=edge)


@_edge_dots.register_fake
def _(x: Tensor, grad: Tensor, structure: list[Tensor]) -> Tensor:
    kept = torch.float64 if x.dtype == torch.float64 else torch.float32
    return x.new_empty(structure[1].shape[0], dtype=kept)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, structure = inputs
    ctx.save_for_backward(x, weight, *structure)


def _backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    x, weight, *structure = ctx.saved_tensors
    d_x = d_weight = None
    if ctx.needs_input_grad[0]:
        d_x = weighted_sum(grad, weight, [*structure[3:], *structure[:3]])
    if ctx.needs_input_grad[1]:
        d_weight = _edge_dots(x, grad, structure).to(weight.dtype)
    return d_x, d_weight, [None] * len(structure)


weighted_sum.register_autograd(_backward, setup_context=_setup)


def triton_aggregate(h: Tensor, *, adjacency: Adjacency, weight: Tensor | None) -> Tensor:
    """Sum the sources of each target as ``reference.aggregate_sum``.

    Args:
        h: ``[S, C]`` sources: float, half, bfloat16 or double.
        adjacency: Edges from S sources into N targets.
        weight: ``[E]`` in the order of ``adjacency.edge_index``; None for 1.

    Shape: ``[N, C]``, 0 for a target without incoming edges.
    """
    inward, outward = adjacency.by_target, adjacency.by_source
    structure = [inward.ptr, inward.other, inward.edge, outward.ptr, outward.other, outward.edge]
    return weighted_sum(h, weight, structure)
