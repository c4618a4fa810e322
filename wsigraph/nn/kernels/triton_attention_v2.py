"""Graph attention of the second kind (GATv2) in Triton, forward: each chunk of sources is read once."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from wsigraph.nn.kernels.triton_rows import Structure, Walk, accumulator, geometry, split
from wsigraph.nn.kernels.triton_softmax import join


@triton.jit
def _forward_kernel(
    h,
    g,
    a,
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
    a_k = tl.load(a + head * width + columns, mask=in_width, other=0).to(acc)
    g_v = tl.load(g + (row * heads + head) * width + columns, mask=in_width, other=0).to(acc)
    peak = tl.full([], float("-inf"), acc)
    total = tl.full([], 0.0, acc)
    summed = tl.zeros([block_d], acc)
    for start in range(first, last, block_e):
        edge = start + tl.arange(0, block_e)
        inside = edge < last
        node = tl.load(source + edge, mask=inside, other=0) * heads + head
        wanted = inside[:, None] & in_width[None, :]
        tile = tl.load(h + node[:, None] * width + columns[None, :], mask=wanted, other=0).to(acc)
        both = tile + g_v[None, :]
        logit = tl.sum(tl.where(both > 0, both, both * slope) * a_k[None, :], 1)
        if has_logits:
            tl.store(logits + edge * heads + head, logit, mask=inside)
        logit = tl.where(inside, logit, float("-inf"))
        top = tl.maximum(peak, tl.max(logit, 0))
        shrink = tl.exp(peak - top)
        weight = tl.exp(logit - top)
        total = total * shrink + tl.sum(weight, 0)
        if has_keep:
            weight *= tl.load(keep + edge * heads + head, mask=inside, other=0).to(acc)
        summed = summed * shrink + tl.sum(tile * weight[:, None], 0)
        peak = top
    place = run * heads + head
    tl.store(stats + place * 2, peak)
    tl.store(stats + place * 2 + 1, total)
    if not is_part:
        summed = summed / tl.where(total == 0, 1, total)
    tl.store(out + place * width + columns, summed.to(out.dtype.element_ty), mask=in_width)


def forward(
    h: Tensor,
    g: Tensor,
    a: Tensor,
    keep: Tensor | None,
    *,
    structure: Structure,
    slope: float,
    wants_logits: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs ``[N, H, D]``, peak and total of each softmax ``[N, H, 2]``, logits ``[E, H]`` or none."""
    (num_targets, heads, width), num_edges = g.shape, structure.source.shape[0]
    kept, acc = accumulator(h)
    out = h.new_empty(num_targets, heads, width, dtype=kept)
    stats = h.new_empty(num_targets, heads, 2, dtype=kept)
    logits = h.new_empty(num_edges if wants_logits else 0, heads, dtype=kept)
    sizes = {"slope": slope, "heads": heads, "width": width, "acc": acc}
    flags = {"has_keep": keep is not None, "has_logits": wants_logits}

    def launch(walk: Walk, out: Tensor, stats: Tensor) -> None:
        blocks = geometry(walk.runs, num_edges, width)
        arrays = (h, g, a, h if keep is None else keep, structure.source, walk.rows, walk.first, walk.last)
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
