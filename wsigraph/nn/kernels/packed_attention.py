"""Graph attention over one matrix that holds projections and logits side by side.

The logits are linear in the layer's input, so that the projection computes them in the same multiplication
as h. Attention reads and writes its columns where they are: no pass over the nodes goes into logits.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels.attention import graph_attention
from wsigraph.nn.kernels.attention_op import attend, attend_backward, flat, structure_of
from wsigraph.nn.kernels.device import on_numba
from wsigraph.nn.kernels.dropout import keep_factors

NEGATIVE_SLOPE = 0.2


def packed_attention(
    packed: Tensor, *, heads: int, adjacency: Adjacency, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    """``graph_attention`` of h, s and t that stand side by side, its slope 0.2.

    Args:
        packed: ``[N, heads * D + 2 * heads]``: h, then s, then t, as ``packed_weight`` projects them.
        heads: Number of heads.
        adjacency: Edges among the N nodes; self-loops are edges.
        dropout: Probability of dropping an attention weight; 0 outside training.

    Shape: out ``[N, heads * D]``, attention ``[E, heads]`` before dropout.
    """
    h, s, t = _parts(packed, heads)
    if not on_numba(packed):
        out, attention = graph_attention(
            h, s, t, adjacency=adjacency, negative_slope=NEGATIVE_SLOPE, dropout=dropout
        )
        return out.flatten(1), attention
    edges = adjacency.edge_index.shape[1]
    keep = keep_factors((edges, heads), dropout, like=packed) if dropout > 0 else None
    return _PackedAttention.apply(packed, keep, heads, *structure_of(adjacency, packed))


def packed_weight(weight: Tensor, attend_src: Tensor, attend_dst: Tensor) -> Tensor:
    """Rows that project to h, s and t at once.

    Args:
        weight: ``[H * D, C]`` projection to h.
        attend_src: ``[1, H, D]``, s = attend_src . h.
        attend_dst: ``[1, H, D]``, t = attend_dst . h.

    Shape: ``[H * D + 2 * H, C]``.
    """
    return _PackedWeight.apply(weight, attend_src, attend_dst)


class _PackedWeight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, attend_src: Tensor, attend_dst: Tensor) -> Tensor:
        heads, width = attend_src.shape[1:]
        ctx.save_for_backward(weight, attend_src, attend_dst)
        by_head = weight.view(heads, width, -1)
        ends = torch.cat([attend_src, attend_dst]).transpose(0, 1)  # [H, 2, D]
        logits = torch.bmm(ends, by_head).transpose(0, 1).reshape(2 * heads, -1)
        return torch.cat([weight, logits])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, attend_src, attend_dst = ctx.saved_tensors
        heads, width = attend_src.shape[1:]
        by_head, size = weight.view(heads, width, -1), heads * width
        ends = torch.cat([attend_src, attend_dst]).permute(1, 2, 0)  # [H, D, 2]
        d_logits = grad[size:].view(2, heads, -1).transpose(0, 1)  # [H, 2, C]
        d_weight = torch.baddbmm(grad[:size].view(heads, width, -1), ends, d_logits)
        d_ends = torch.bmm(d_logits, by_head.transpose(1, 2))  # [H, 2, D]
        return d_weight.view_as(weight), d_ends[:, 0].unsqueeze(0), d_ends[:, 1].unsqueeze(0)


class _PackedAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, packed: Tensor, keep: Tensor | None, heads: int, *structure: Tensor
    ) -> tuple[Tensor, Tensor]:
        packed = packed if packed.stride(-1) == 1 else packed.contiguous()  # rows may lie apart
        h, s, t = _parts(packed, heads)
        out = packed.new_empty(len(packed), h.shape[1:].numel())
        attention = packed.new_empty(structure[1].shape[0], heads)
        weight = attention if keep is None else torch.empty_like(attention)
        results = (attention, weight, out)
        attend(flat(h), flat(s), flat(t), keep, list(structure), NEGATIVE_SLOPE, results)
        ctx.heads = heads
        ctx.save_for_backward(packed, attention, weight, *structure)
        ctx.mark_non_differentiable(attention)
        ctx.set_materialize_grads(False)
        return out, attention

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor | None, _: Any) -> tuple[Tensor | None, ...]:
        packed, attention, weight, *structure = ctx.saved_tensors
        nothing = (None,) * (2 + len(structure))
        if grad is None:
            return None, *nothing
        d_packed = torch.empty(packed.shape, dtype=packed.dtype)
        h, s, t = (flat(v) for v in _parts(packed, ctx.heads))
        d_h, d_s, d_t = (flat(v) for v in _parts(d_packed, ctx.heads))
        weights = (attention, weight)
        attend_backward(grad, (h, s, t), weights, structure, NEGATIVE_SLOPE, (d_h, d_s, d_t))
        return d_packed, *nothing


def _parts(packed: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    size = packed.shape[1] - 2 * heads
    h = packed[:, :size].unflatten(1, (heads, size // heads))
    return h, packed[:, size : size + heads], packed[:, size + heads :]
