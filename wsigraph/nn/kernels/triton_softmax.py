"""What both kinds of graph attention share in Triton: softmaxes from parts, weights, the backward mean."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from wsigraph.nn.kernels.triton_rows import Walk, accumulator


@triton.jit
def _join_kernel(
    partial,
    part_stats,
    row_of,
    length_of,
    out,
    stats,
    heads: tl.constexpr,
    width: tl.constexpr,
    acc: tl.constexpr,
    block_d: tl.constexpr,
):
    slot, head = (tl.program_id(0) // heads).to(tl.int64), tl.program_id(0) % heads
    columns = tl.arange(0, block_d)
    in_width = columns < width
    count = tl.load(length_of + slot)
    if count > 0:
        peak = tl.full([], float("-inf"), acc)
        total = tl.full([], 0.0, acc)
        summed = tl.zeros([block_d], acc)
        for part in range(slot, slot + count):
            place = part * heads + head
            part_peak = tl.load(part_stats + place * 2)
            top = tl.maximum(peak, part_peak)
            shrink, grow = tl.exp(peak - top), tl.exp(part_peak - top)
            total = total * shrink + tl.load(part_stats + place * 2 + 1) * grow
            mine = tl.load(partial + place * width + columns, mask=in_width, other=0)
            summed = summed * shrink + mine * grow
            peak = top
        place = tl.load(row_of + slot) * heads + head
        tl.store(stats + place * 2, peak)
        tl.store(stats + place * 2 + 1, total)
        tl.store(out + place * width + columns, (summed / total).to(out.dtype.element_ty), mask=in_width)


@triton.jit
def _inner_kernel(one, two, out, width: tl.constexpr, acc: tl.constexpr, block_d: tl.constexpr):
    place = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, block_d)
    a = tl.load(one + place * width + columns, mask=columns < width, other=0).to(acc)
    b = tl.load(two + place * width + columns, mask=columns < width, other=0).to(acc)
    tl.store(out + place, tl.sum(a * b, 0))


def join(partial: Tensor, part_stats: Tensor, parts: Walk, out: Tensor, stats: Tensor) -> None:
    """Write the softmax-weighed sum of each long row from those of its parts."""
    heads, width = out.shape[1], out.shape[2]
    _, acc = accumulator(partial)
    arrays = (partial, part_stats, parts.row, parts.joined, out, stats)
    block = triton.next_power_of_2(width)
    warps = max(1, min(8, block // 256))
    _join_kernel[(parts.runs * heads,)](*arrays, heads, width, acc=acc, block_d=block, num_warps=warps)


def weights(logits: Tensor, stats: Tensor, ptr: Tensor) -> Tensor:
    """Attention ``[E, H]`` of each edge from its logit and the softmax of its target."""
    target = torch.repeat_interleave(ptr.diff(), output_size=logits.shape[0])
    peak, total = stats[target].unbind(-1)
    return (logits - peak).exp_().div_(total)


def inner(grad: Tensor, out: Tensor) -> Tensor:
    """Inner product ``[N, H]`` of outputs and gradients: the mean that a softmax's gradient subtracts."""
    kept, acc = accumulator(out)
    mean = out.new_empty(out.shape[:2], dtype=kept)
    block = triton.next_power_of_2(out.shape[2])
    warps = max(1, min(8, block // 256))
    _inner_kernel[(mean.numel(),)](grad, out, mean, out.shape[2], acc=acc, block_d=block, num_warps=warps)
    return mean
