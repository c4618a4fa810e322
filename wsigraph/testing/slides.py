"""Small made-up batches of slides that the checks of model parts share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bags import Bags

SIZES = (5, 1, 9, 3)
"""Patches of each slide: one slide has a single patch."""


@dataclass(frozen=True)
class Slides:
    """A batch of made-up slides in float64.

    Args:
        x: ``[N, C]`` rows.
        edge_index: ``[2, E]`` edges within slides, self-loops included, in no order.
        batch: ``[N]`` slide of each node.
        sizes: Patches of each slide.
        pos: ``[N, 2]`` patch centres on a lattice of 512 px, no two alike within a slide.
    """

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    sizes: tuple[int, ...]
    pos: Tensor

    @property
    def adjacency(self) -> Adjacency:
        """Edges in the order that message passing walks them."""
        return Adjacency.of(self.edge_index, len(self.x))

    @property
    def bags(self) -> Bags:
        """How the rows are divided into slides, with edges and positions."""
        return Bags(self.batch, self.num_graphs, self.adjacency, self.pos)

    @property
    def num_graphs(self) -> int:
        """Number of slides."""
        return len(self.sizes)

    def rows(self, slide: int) -> slice:
        """Rows of one slide."""
        start = sum(self.sizes[:slide])
        return slice(start, start + self.sizes[slide])

    def one(self, slide: int) -> Slides:
        """One slide by itself."""
        rows = self.rows(slide)
        inside = (self.edge_index[1] >= rows.start) & (self.edge_index[1] < rows.stop)
        edges = self.edge_index[:, inside] - rows.start
        size = self.sizes[slide]
        return Slides(self.x[rows], edges, torch.zeros(size, dtype=torch.long), (size,), self.pos[rows])

    def without_edges(self) -> Slides:
        """The same nodes, joined by nothing."""
        return replace(self, edge_index=self.edge_index[:, :0])

    def with_other(self, slide: int) -> Slides:
        """The same batch with other features in one slide."""
        x = self.x.clone()
        x[self.rows(slide)] = x[self.rows(slide)].flip(0) * 1.7 - 0.4
        return replace(self, x=x)

    def shuffled(self, order: Tensor) -> Slides:
        """Node i of the result is node ``order[i]`` of this one."""
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order))
        return replace(
            self,
            x=self.x[order],
            edge_index=place[self.edge_index],
            batch=self.batch[order],
            pos=self.pos[order],
        )

    def order_within(self, *, seed: int = 1) -> Tensor:
        """A random order of the nodes that keeps each slide's nodes together."""
        generator = torch.Generator().manual_seed(seed)
        starts = [self.rows(slide).start for slide in range(self.num_graphs)]
        return torch.cat(
            [torch.randperm(n, generator=generator) + s for n, s in zip(self.sizes, starts, strict=True)]
        )


def make_slides(in_channels: int, *, sizes: Sequence[int] = SIZES, seed: int = 0) -> Slides:
    """Random rows; each slide is a ring of its patches with self-loops, and some further edges.

    Args:
        in_channels: Channels of each row.
        sizes: Patches of each slide.
        seed: Fixes every number.
    """
    generator = torch.Generator().manual_seed(seed)
    edges, start = [], 0
    for size in sizes:
        nodes = torch.arange(size)
        ends = torch.randint(size, (2, size), generator=generator)
        ring = torch.stack([nodes, (nodes + 1) % size])
        both = torch.cat([ring, ring.flip(0), ends, ends.flip(0), nodes.expand(2, -1)], dim=1)
        edges.append(torch.unique(both, dim=1) + start)
        start += size
    edge_index = torch.cat(edges, dim=1)
    edge_index = edge_index[:, torch.randperm(edge_index.shape[1], generator=generator)]
    batch = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    x = torch.randn(start, in_channels, generator=generator, dtype=torch.float64)
    return Slides(x, edge_index, batch, tuple(sizes), torch.cat([_places(size, generator) for size in sizes]))


def _places(size: int, generator: torch.Generator) -> Tensor:
    """Different lattice points of a square twice as large as need be."""
    side = math.ceil(math.sqrt(2 * size))
    chosen = torch.randperm(side * side, generator=generator)[:size]
    return torch.stack([chosen % side, chosen // side], 1).double() * 512 + 256
