"""Dot product of the rows at both ends of each edge, without a row per edge in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.kernels.attention_op import flat
from wsigraph.nn.kernels.device import on_numba

EDGES = 32_768
"""Edges whose rows are written out at a time where no fused loop runs."""


def edge_dot(sources: Tensor, targets: Tensor, *, adjacency: Adjacency) -> Tensor:
    r"""One number per edge: :math:`d_{uv} = a_u \cdot b_v` for each :math:`u \to v`.

    Args:
        sources: ``[N, C]`` a.
        targets: ``[N, C]`` b.
        adjacency: Edges among the N nodes.

    Shape: ``[E]`` in the order of ``adjacency.edge_index``.
    """
    return _EdgeDot.apply(sources, targets, adjacency)


def _fused(sources: Tensor, targets: Tensor, adjacency: Adjacency) -> Tensor:
    from wsigraph.nn.kernels import numba_edge_dot

    inward, width = adjacency.by_target, sources.shape[1]
    out = sources.new_empty(len(inward.other))
    sides = (*flat(sources)[:2], *flat(targets)[:2])
    numba_edge_dot.dot(len(out) * width, width, *sides, inward.ptr, inward.other, out)
    return out


class _EdgeDot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, sources: Tensor, targets: Tensor, adjacency: Adjacency) -> Tensor:
        ctx.save_for_backward(sources, targets)
        ctx.adjacency = adjacency
        if on_numba(sources) and on_numba(targets) and sources.dtype == targets.dtype:
            return _fused(sources, targets, adjacency)
        some = adjacency.edge_index.split(EDGES, dim=1)
        return torch.cat([(sources[u] * targets[v]).sum(1) for u, v in some])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        sources, targets = ctx.saved_tensors
        into: Adjacency = ctx.adjacency
        order = into.by_source.edge
        back = Adjacency(into.edge_index.flip(0)[:, order], into.num_nodes)
        d_sources = aggregate(targets, adjacency=back, weight=grad[order])
        return d_sources, aggregate(sources, adjacency=into, weight=grad), None
