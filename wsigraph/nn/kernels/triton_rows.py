"""How the Triton kernels share out the edges of a graph: a program per row, long rows in parts.

A row's edges are walked in chunks by one program, so a hub with 100,000 edges would be one long chain while
the rest of the device waits. Rows longer than ``SPLIT`` are therefore cut into parts that run beside each
other; their partial sums are added afterwards in a fixed order, so results do not vary between runs. Where
the parts lie is worked out on the device: nothing waits for a number from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

SPLIT = 1024
"""Edges above which a row is cut into parts of this many."""
TILE = 2048
"""Numbers of a neighbour tile ``[edges, channels]`` that one program holds."""


class Structure(NamedTuple):
    """Edges in both orders, as ``Adjacency`` holds them, contiguous.

    Args:
        ptr: ``[N + 1]`` where the incoming edges of each target begin.
        source: ``[E]`` in target order.
        out_ptr: ``[M + 1]`` where the outgoing edges of each source begin.
        out_target: ``[E]`` in source order.
        out_edge: ``[E]`` position in target order of each edge in source order.
    """

    ptr: Tensor
    source: Tensor
    out_ptr: Tensor
    out_target: Tensor
    out_edge: Tensor

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> Structure:
        """Name the five tensors that an operator was given."""
        return cls(*(v.contiguous() for v in tensors))


class Walk(NamedTuple):
    """Runs of edges, each summed by one program.

    Args:
        row: ``[R]`` row of each run; None where run i is row i.
        first: ``[R]`` first edge.
        last: ``[R]`` one past the last edge.
        joined: ``[R]`` runs of the row that starts with this one, 0 elsewhere; None where run i is row i.
    """

    row: Tensor | None
    first: Tensor
    last: Tensor
    joined: Tensor | None

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.first.shape[0]

    @property
    def rows(self) -> Tensor:
        """Row of each run, or any tensor where none is read."""
        return self.first if self.row is None else self.row


def split(ptr: Tensor, num_edges: int) -> tuple[Walk, Walk | None]:
    """Short rows, each one run, and the parts of the long ones.

    A long row is an empty run among the short ones. Unused parts, which make the number of parts known from
    the number of edges alone, are empty too and start no row.

    Args:
        ptr: ``[N + 1]``; the edges of row i stand at ``ptr[i]:ptr[i + 1]``.
        num_edges: Number of edges.
    """
    first, last = ptr[:-1], ptr[1:]
    if num_edges <= SPLIT:
        return Walk(None, first, last, None), None
    degree = last - first
    is_long = degree > SPLIT
    parts = torch.where(is_long, (degree + SPLIT - 1) // SPLIT, 0)
    stop = parts.cumsum(0)
    slot = torch.arange(2 * (num_edges // SPLIT), device=ptr.device)  # ceil(d / S) <= 2 d / S for d > S
    found = torch.searchsorted(stop, slot, right=True)
    used = found < len(first)
    row = found.clamp(max=len(first) - 1)
    place = slot - (stop - parts)[row]
    start = first[row] + place * SPLIT
    end = torch.minimum(start + SPLIT, last[row])
    count = torch.where(used & (place == 0), parts[row], 0)
    short = Walk(None, first, torch.where(is_long, first, last), None)
    return short, Walk(row, start, torch.where(used, end, start), count)


def geometry(runs: int, num_edges: int, width: int) -> Mapping[str, int]:
    """Block sizes and warps of a launch: a chunk as long as the mean row, within one tile."""
    channels = triton.next_power_of_2(width)
    mean = triton.next_power_of_2(max(1, num_edges // max(runs, 1)))
    edges = max(1, min(mean, TILE // channels))
    warps = max(1, min(8, edges * channels // 512))
    return {"block_e": edges, "block_d": channels, "num_warps": warps}


def accumulator(values: Tensor) -> tuple[torch.dtype, Any]:
    """Type that sums are kept in, for torch and for Triton: double for double, else float."""
    double = values.dtype == torch.float64
    return (torch.float64, tl.float64) if double else (torch.float32, tl.float32)


@triton.jit
def _add_parts_kernel(
    partial, row_of, length_of, out, width: tl.constexpr, acc: tl.constexpr, block: tl.constexpr
):
    blocks = (width + block - 1) // block
    slot = (tl.program_id(0) // blocks).to(tl.int64)
    columns = tl.program_id(0) % blocks * block + tl.arange(0, block)
    inside = columns < width
    count = tl.load(length_of + slot)
    if count > 0:
        total = tl.zeros([block], acc)
        for part in range(slot, slot + count):
            total += tl.load(partial + part * width + columns, mask=inside, other=0)
        row = tl.load(row_of + slot)
        tl.store(out + row * width + columns, total.to(out.dtype.element_ty), mask=inside)


def add_parts(partial: Tensor, parts: Walk, out: Tensor) -> None:
    """Write the sum of the parts of each long row.

    Args:
        partial: ``[R, ...]`` sums of the parts, contiguous.
        parts: The parts.
        out: ``[N, ...]`` written at long rows only, contiguous.
    """
    width = out[0].numel()
    block = min(256, triton.next_power_of_2(width))
    grid = (parts.runs * triton.cdiv(width, block),)
    _, acc = accumulator(partial)
    _add_parts_kernel[grid](partial, parts.row, parts.joined, out, width, acc=acc, block=block, num_warps=1)
