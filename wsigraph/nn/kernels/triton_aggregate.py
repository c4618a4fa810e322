"""Sum over incoming edges in Triton, forward and backward: no message of an edge is ever stored."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from wsigraph.nn.kernels.triton_rows import TILE, Walk, accumulator, add_parts, geometry, split

COLUMNS = 256
"""Most channels that one program sums; wider rows are shared out."""


@triton.jit
def _sum_kernel(
    x,
    weight,
    other,
    edge_of,
    first_of,
    last_of,
    out,
    width: tl.constexpr,
    acc: tl.constexpr,
    has_weight: tl.constexpr,
    block_e: tl.constexpr,
    block_d: tl.constexpr,
):
    blocks = (width + block_d - 1) // block_d
    run = (tl.program_id(0) // blocks).to(tl.int64)
    columns = tl.program_id(0) % blocks * block_d + tl.arange(0, block_d)
    in_width = columns < width
    first, last = tl.load(first_of + run), tl.load(last_of + run)
    total = tl.zeros([block_d], acc)
    for start in range(first, last, block_e):
        at = start + tl.arange(0, block_e)
        inside = at < last
        node = tl.load(other + at, mask=inside, other=0)
        wanted = inside[:, None] & in_width[None, :]
        tile = tl.load(x + node[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        if has_weight:
            edge = tl.load(edge_of + at, mask=inside, other=0)
            tile *= tl.load(weight + edge, mask=inside, other=0).to(acc)[:, None]
        total += tl.sum(tile, 0)
    tl.store(out + run * width + columns, total.to(out.dtype.element_ty), mask=in_width)


@triton.jit
def _dot_kernel(
    x,
    grad,
    other,
    row_of,
    edge_of,
    out,
    num_edges,
    width: tl.constexpr,
    acc: tl.constexpr,
    block_e: tl.constexpr,
    block_d: tl.constexpr,
):
    at = tl.program_id(0).to(tl.int64) * block_e + tl.arange(0, block_e)
    inside = at < num_edges
    u = tl.load(other + at, mask=inside, other=0)
    v = tl.load(row_of + at, mask=inside, other=0)
    total = tl.zeros([block_e], acc)
    for start in range(0, width, block_d):
        columns = start + tl.arange(0, block_d)
        wanted = inside[:, None] & (columns < width)[None, :]
        one = tl.load(x + u[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        two = tl.load(grad + v[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        total += tl.sum(one * two, 1)
    edge = tl.load(edge_of + at, mask=inside, other=0)
    tl.store(out + edge, total.to(out.dtype.element_ty), mask=inside)


def weighted_sum(x: Tensor, weight: Tensor | None, *, ptr: Tensor, other: Tensor, edge: Tensor) -> Tensor:
    """Sum the neighbours of each row, each times the weight of its edge.

    Args:
        x: ``[M, C]`` values of the other ends.
        weight: ``[E]`` in target order, or None for 1.
        ptr: ``[N + 1]`` where the edges of each row begin.
        other: ``[E]`` the other end of each edge.
        edge: ``[E]`` position of each edge in the target order.

    Shape: ``[N, C]`` in the type of x; 0 for a row without edges.
    """
    x, other, edge = x.contiguous(), other.contiguous(), edge.contiguous()
    weight = None if weight is None else weight.contiguous()
    num_edges, width = other.shape[0], x.shape[1]
    kept, acc = accumulator(x)
    out = x.new_empty(ptr.shape[0] - 1, width)

    def launch(walk: Walk, into: Tensor) -> None:
        blocks = geometry(walk.runs, num_edges, min(width, COLUMNS))
        grid = (walk.runs * triton.cdiv(width, blocks["block_d"]),)
        first, last = walk.first, walk.last
        arrays = (x, x if weight is None else weight, other, edge, first, last, into)
        _sum_kernel[grid](*arrays, width, acc=acc, has_weight=weight is not None, **blocks)

    rows, parts = split(ptr, num_edges)
    launch(rows, out)
    if parts is not None:
        partial = x.new_empty(parts.runs, width, dtype=kept)
        launch(parts, partial)
        add_parts(partial, parts, out)
    return out


def edge_dots(x: Tensor, grad: Tensor, *, ptr: Tensor, other: Tensor, edge: Tensor) -> Tensor:
    """Inner product of the two ends of each edge.

    Args:
        x: ``[M, C]`` values of the other ends.
        grad: ``[N, C]`` values of the rows.
        ptr: ``[N + 1]`` where the edges of each row begin.
        other: ``[E]`` the other end of each edge.
        edge: ``[E]`` position of each edge in the target order, in which the result stands.

    Shape: ``[E]`` in float, or double where x is.
    """
    x, grad, other, edge = x.contiguous(), grad.contiguous(), other.contiguous(), edge.contiguous()
    num_edges, width = other.shape[0], x.shape[1]
    row = torch.repeat_interleave(ptr.diff(), output_size=num_edges)
    kept, acc = accumulator(x)
    channels = min(64, triton.next_power_of_2(width))
    edges = min(TILE // channels, 64)
    out = torch.empty(num_edges, dtype=kept, device=x.device)
    blocks = {"block_e": edges, "block_d": channels, "num_warps": 4}
    grid = (triton.cdiv(num_edges, edges),)
    _dot_kernel[grid](x, grad, other, row, edge, out, num_edges, width, acc=acc, **blocks)
    return out
