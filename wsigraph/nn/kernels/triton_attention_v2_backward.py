"""Graph attention of the second kind (GATv2) in Triton, backward: over the transpose, then over targets."""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from wsigraph.nn.kernels.triton_rows import Structure, Walk, accumulator, add_parts, geometry, split
from wsigraph.nn.kernels.triton_softmax import inner


@triton.jit
def _source_kernel(
    grad,
    h,
    g,
    a,
    keep,
    stats,
    mean,
    target,
    edge_of,
    row_of,
    first_of,
    last_of,
    d_h,
    d_logit,
    slope: tl.constexpr,
    heads: tl.constexpr,
    width: tl.constexpr,
    acc: tl.constexpr,
    has_keep: tl.constexpr,
    is_part: tl.constexpr,
    block_e: tl.constexpr,
    block_d: tl.constexpr,
):
    run, head = (tl.program_id(0) // heads).to(tl.int64), tl.program_id(0) % heads
    row = run
    if is_part:
        row = tl.load(row_of + run)
    first, last = tl.load(first_of + run), tl.load(last_of + run)
    columns = tl.arange(0, block_d)
    in_width = columns < width
    a_k = tl.load(a + head * width + columns, mask=in_width, other=0).to(acc)
    h_u = tl.load(h + (row * heads + head) * width + columns, mask=in_width, other=0).to(acc)
    total_h = tl.zeros([block_d], acc)
    for start in range(first, last, block_e):
        at = start + tl.arange(0, block_e)
        inside = at < last
        node = tl.load(target + at, mask=inside, other=0) * heads + head
        edge = tl.load(edge_of + at, mask=inside, other=0) * heads + head
        wanted = inside[:, None] & in_width[None, :]
        spot = node[:, None] * width + columns[None, :]
        both = h_u[None, :] + tl.load(g + spot, mask=wanted, other=0).to(acc)
        logit = tl.sum(tl.where(both > 0, both, both * slope) * a_k[None, :], 1)
        peak = tl.load(stats + node * 2, mask=inside, other=0)
        total = tl.load(stats + node * 2 + 1, mask=inside, other=1)
        weight = tl.exp(tl.where(inside, logit - peak, float("-inf"))) / total
        tile = tl.load(grad + spot, mask=wanted, other=0).to(acc)
        dot = tl.sum(tile * h_u[None, :], 1)
        kept = weight
        if has_keep:
            factor = tl.load(keep + edge, mask=inside, other=0).to(acc)
            dot *= factor
            kept = weight * factor
        d = weight * (dot - tl.load(mean + node, mask=inside, other=0))
        tl.store(d_logit + edge, d, mask=inside)
        bent = d[:, None] * a_k[None, :]
        total_h += tl.sum(tile * kept[:, None] + tl.where(both > 0, bent, bent * slope), 0)
    tl.store(d_h + (run * heads + head) * width + columns, total_h.to(d_h.dtype.element_ty), mask=in_width)


@triton.jit
def _target_kernel(
    h,
    g,
    a,
    d_logit,
    source,
    row_of,
    first_of,
    last_of,
    d_g,
    d_a,
    slope: tl.constexpr,
    heads: tl.constexpr,
    width: tl.constexpr,
    acc: tl.constexpr,
    is_part: tl.constexpr,
    block_e: tl.constexpr,
    block_d: tl.constexpr,
):
    run, head = (tl.program_id(0) // heads).to(tl.int64), tl.program_id(0) % heads
    row = run
    if is_part:
        row = tl.load(row_of + run)
    first, last = tl.load(first_of + run), tl.load(last_of + run)
    columns = tl.arange(0, block_d)
    in_width = columns < width
    a_k = tl.load(a + head * width + columns, mask=in_width, other=0).to(acc)
    g_v = tl.load(g + (row * heads + head) * width + columns, mask=in_width, other=0).to(acc)
    total_g = tl.zeros([block_d], acc)
    total_a = tl.zeros([block_d], acc)
    for start in range(first, last, block_e):
        edge = start + tl.arange(0, block_e)
        inside = edge < last
        node = tl.load(source + edge, mask=inside, other=0) * heads + head
        d = tl.load(d_logit + edge * heads + head, mask=inside, other=0)
        wanted = inside[:, None] & in_width[None, :]
        tile = tl.load(h + node[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        both = tile + g_v[None, :]
        bent = d[:, None] * a_k[None, :]
        total_g += tl.sum(tl.where(both > 0, bent, bent * slope), 0)
        total_a += tl.sum(d[:, None] * tl.where(both > 0, both, both * slope), 0)
    place = (run * heads + head) * width + columns
    tl.store(d_g + place, total_g.to(d_g.dtype.element_ty), mask=in_width)
    tl.store(d_a + place, total_a, mask=in_width)


def backward(
    grad: Tensor,
    inputs: tuple[Tensor, Tensor, Tensor, Tensor | None],
    *,
    out: Tensor,
    stats: Tensor,
    structure: Structure,
    slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of h, g and a."""
    h = inputs[0]
    kept, acc = accumulator(h)
    sizes = {"slope": slope, "heads": h.shape[1], "width": h.shape[2], "acc": acc}
    d_logit = h.new_empty(structure.source.shape[0], h.shape[1], dtype=kept)
    d_h = _sources(grad, inputs, (stats, inner(grad, out)), d_logit=d_logit, structure=structure, sizes=sizes)
    d_g, d_a = _targets(inputs, d_logit, structure=structure, sizes=sizes)
    return d_h, d_g, d_a


def _sources(
    grad: Tensor,
    inputs: tuple[Tensor, Tensor, Tensor, Tensor | None],
    softmax: tuple[Tensor, Tensor],
    *,
    d_logit: Tensor,
    structure: Structure,
    sizes: dict[str, Any],
) -> Tensor:
    """Gradient of h, and that of each logit into ``d_logit``."""
    h, g, a, keep = inputs
    num_edges, heads, width = d_logit.shape[0], *h.shape[1:]

    def launch(walk: Walk, d_h: Tensor) -> None:
        blocks = geometry(walk.runs, num_edges, width)
        arrays = (grad, h, g, a, h if keep is None else keep, *softmax, structure.out_target)
        walked = (structure.out_edge, walk.rows, walk.first, walk.last)
        flags = {"has_keep": keep is not None, "is_part": walk.row is not None}
        _source_kernel[(walk.runs * heads,)](*arrays, *walked, d_h, d_logit, **sizes, **flags, **blocks)

    d_h = torch.empty_like(h)
    rows, parts = split(structure.out_ptr, num_edges)
    launch(rows, d_h)
    if parts is not None:
        partial = h.new_empty(parts.runs, heads, width, dtype=d_logit.dtype)
        launch(parts, partial)
        add_parts(partial, parts, d_h)
    return d_h


def _targets(
    inputs: tuple[Tensor, Tensor, Tensor, Tensor | None],
    d_logit: Tensor,
    *,
    structure: Structure,
    sizes: dict[str, Any],
) -> tuple[Tensor, Tensor]:
    """Gradients of g and a from those of the logits."""
    h, g, a, _ = inputs
    num_edges, heads, width = d_logit.shape[0], *h.shape[1:]

    def launch(walk: Walk, d_g: Tensor) -> Tensor:
        blocks = geometry(walk.runs, num_edges, width)
        d_a = h.new_empty(walk.runs, heads, width, dtype=d_logit.dtype)
        arrays = (h, g, a, d_logit, structure.source, walk.rows, walk.first, walk.last, d_g, d_a)
        _target_kernel[(walk.runs * heads,)](*arrays, **sizes, is_part=walk.row is not None, **blocks)
        return d_a.sum(0)  # runs without edges gave zero

    d_g = torch.empty_like(g)
    rows, parts = split(structure.ptr, num_edges)
    d_a = launch(rows, d_g)
    if parts is not None:
        partial = h.new_empty(parts.runs, heads, width, dtype=d_logit.dtype)
        d_a = d_a + launch(parts, partial)
        add_parts(partial, parts, d_g)
    return d_g, d_a.to(a.dtype)
