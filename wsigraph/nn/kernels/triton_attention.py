"""Fused graph attention in Triton: an online softmax over chunks of each row's edges.

The forward pass keeps the peak and the total of each softmax; the backward pass walks the transpose and works
every weight out again from them, so neither messages nor weights of edges are stored.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from wsigraph.nn.kernels.triton_aggregate import weighted_sum
from wsigraph.nn.kernels.triton_rows import Structure, Walk, accumulator, add_parts, geometry, split
from wsigraph.nn.kernels.triton_softmax import inner, join


@triton.jit
def _forward_kernel(
    h,
    s,
    t,
    keep,
    source,
    row_of,
    first_of,
    last_of,
    out,
    stats,
    logits,
    slope: tl.constexpr,
    heads: tl.constexpr,
    width: tl.constexpr,
    acc: tl.constexpr,
    has_keep: tl.constexpr,
    has_logits: tl.constexpr,
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
    t_v = tl.load(t + row * heads + head).to(acc)
    peak = tl.full([], float("-inf"), acc)
    total = tl.full([], 0.0, acc)
    summed = tl.zeros([block_d], acc)
    for start in range(first, last, block_e):
        edge = start + tl.arange(0, block_e)
        inside = edge < last
        node = tl.load(source + edge, mask=inside, other=0) * heads + head
        logit = tl.load(s + node, mask=inside, other=0).to(acc) + t_v
        logit = tl.where(logit > 0, logit, logit * slope)
        if has_logits:
            tl.store(logits + edge * heads + head, logit, mask=inside)
        logit = tl.where(inside, logit, float("-inf"))
        top = tl.maximum(peak, tl.max(logit, 0))
        shrink = tl.exp(peak - top)
        weight = tl.exp(logit - top)
        total = total * shrink + tl.sum(weight, 0)
        if has_keep:
            weight *= tl.load(keep + edge * heads + head, mask=inside, other=0).to(acc)
        wanted = inside[:, None] & in_width[None, :]
        tile = tl.load(h + node[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        summed = summed * shrink + tl.sum(tile * weight[:, None], 0)
        peak = top
    place = run * heads + head
    tl.store(stats + place * 2, peak)
    tl.store(stats + place * 2 + 1, total)
    if not is_part:
        summed = summed / tl.where(total == 0, 1, total)
    tl.store(out + place * width + columns, summed.to(out.dtype.element_ty), mask=in_width)


@triton.jit
def _backward_kernel(
    grad,
    h,
    s,
    t,
    keep,
    stats,
    mean,
    target,
    edge_of,
    row_of,
    first_of,
    last_of,
    d_h,
    d_s,
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
    s_u = tl.load(s + row * heads + head).to(acc)
    h_u = tl.load(h + (row * heads + head) * width + columns, mask=in_width, other=0).to(acc)
    total_s = tl.full([], 0.0, acc)
    total_h = tl.zeros([block_d], acc)
    for start in range(first, last, block_e):
        at = start + tl.arange(0, block_e)
        inside = at < last
        node = tl.load(target + at, mask=inside, other=0) * heads + head
        edge = tl.load(edge_of + at, mask=inside, other=0) * heads + head
        logit = s_u + tl.load(t + node, mask=inside, other=0).to(acc)
        bent = tl.where(logit > 0, logit, logit * slope)
        peak = tl.load(stats + node * 2, mask=inside, other=0)
        total = tl.load(stats + node * 2 + 1, mask=inside, other=1)
        weight = tl.exp(tl.where(inside, bent - peak, float("-inf"))) / total
        wanted = inside[:, None] & in_width[None, :]
        tile = tl.load(grad + node[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        dot = tl.sum(tile * h_u[None, :], 1)
        kept = weight
        if has_keep:
            factor = tl.load(keep + edge, mask=inside, other=0).to(acc)
            dot *= factor
            kept = weight * factor
        d = weight * (dot - tl.load(mean + node, mask=inside, other=0))
        d = tl.where(logit > 0, d, d * slope)
        tl.store(d_logit + edge, d, mask=inside)
        total_s += tl.sum(d, 0)
        total_h += tl.sum(tile * kept[:, None], 0)
    place = run * heads + head
    tl.store(d_s + place, total_s.to(d_s.dtype.element_ty))
    tl.store(d_h + place * width + columns, total_h.to(d_h.dtype.element_ty), mask=in_width)


def forward(
    h: Tensor,
    s: Tensor,
    t: Tensor,
    keep: Tensor | None,
    *,
    structure: Structure,
    slope: float,
    wants_logits: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs ``[N, H, D]``, peak and total of each softmax ``[N, H, 2]``, logits ``[E, H]`` or none."""
    (num_targets, heads), width, num_edges = t.shape, h.shape[2], structure.source.shape[0]
    kept, acc = accumulator(h)
    out = h.new_empty(num_targets, heads, width, dtype=kept)
    stats = h.new_empty(num_targets, heads, 2, dtype=kept)
    logits = h.new_empty(num_edges if wants_logits else 0, heads, dtype=kept)
    sizes = {"slope": slope, "heads": heads, "width": width, "acc": acc}
    flags = {"has_keep": keep is not None, "has_logits": wants_logits}

    def launch(walk: Walk, out: Tensor, stats: Tensor) -> None:
        blocks = geometry(walk.runs, num_edges, width)
        arrays = (h, s, t, h if keep is None else keep, structure.source, walk.rows, walk.first, walk.last)
        _forward_kernel[(walk.runs * heads,)](
            *arrays, out, stats, logits, **sizes, **flags, is_part=walk.row is not None, **blocks
        )

    rows, parts = split(structure.ptr, num_edges)
    launch(rows, out, stats)
    if parts is not None:
        partial = h.new_empty(parts.runs, heads, width, dtype=kept)
        part_stats = h.new_empty(parts.runs, heads, 2, dtype=kept)
        launch(parts, partial, part_stats)
        join(partial, part_stats, parts, out, stats)
    return out, stats, logits


def backward(
    grad: Tensor,
    inputs: tuple[Tensor, Tensor, Tensor, Tensor | None],
    *,
    out: Tensor,
    stats: Tensor,
    structure: Structure,
    slope: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of h, s and t."""
    h, s, t, keep = inputs
    heads, width, num_edges = h.shape[1], h.shape[2], structure.source.shape[0]
    kept, acc = accumulator(h)
    mean = inner(grad, out)
    d_h, d_s = torch.empty_like(h), torch.empty_like(s)
    d_logit = h.new_empty(num_edges, heads, dtype=kept)
    sizes = {"slope": slope, "heads": heads, "width": width, "acc": acc, "has_keep": keep is not None}

    def launch(walk: Walk, d_h: Tensor, d_s: Tensor) -> None:
        blocks = geometry(walk.runs, num_edges, width)
        arrays = (grad, h, s, t, h if keep is None else keep, stats, mean, structure.out_target)
        walked = (structure.out_edge, walk.rows, walk.first, walk.last)
        _backward_kernel[(walk.runs * heads,)](
            *arrays, *walked, d_h, d_s, d_logit, **sizes, is_part=walk.row is not None, **blocks
        )

    rows, parts = split(structure.out_ptr, num_edges)
    launch(rows, d_h, d_s)
    if parts is not None:
        partial_h = h.new_empty(parts.runs, heads, width, dtype=kept)
        partial_s = h.new_empty(parts.runs, heads, dtype=kept)
        launch(parts, partial_h, partial_s)
        add_parts(partial_h, parts, d_h)
        add_parts(partial_s, parts, d_s)
    edge = torch.arange(num_edges, device=h.device)
    d_t = weighted_sum(d_logit, None, ptr=structure.ptr, other=edge, edge=edge)
    return d_h, d_s, d_t.to(t.dtype)
