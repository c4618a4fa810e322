"""Patches hidden in blocks that hang together on the graph."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import RecipeError, expected
from wsigraph.nn.masks.base import MaskDraw, first_per_slide, random_order, share_of
from wsigraph.nn.views.base import Nodes


class Blocks(MaskDraw, name="blocks"):
    """Blocks grown over the edges from random patches, so that hidden patches have hidden neighbours.

    From one random patch for every ``block_patches`` to be hidden, all blocks grow by one edge at a time, in
    either direction of an edge, until floor(rate n) patches are reached; of the last ring a random part
    is taken. Blocks that meet grow on together. Where blocks fill their piece of tissue too early, new
    ones begin elsewhere, twice as many each time. Coordinates are not used, so a slide without
    edges is masked uniformly.

    Args:
        block_patches: Patches of a block, about; smaller where a slide is to lose fewer.

    Raises: RecipeError: if ``block_patches`` is below 1.
    Source: block masking of BEiT (Bao et al. 2022). Differs: balls on a graph instead of rectangles on a
        grid, all growing at once to the exact share instead of one after the other up to about it.
    """

    def __init__(self, *, block_patches: int = 64) -> None:
        if block_patches < 1:
            raise RecipeError(expected("Mask 'blocks'", "block_patches of at least 1", f"{block_patches}"))
        self.block_patches = block_patches

    def draw(self, nodes: Nodes, *, rate: float) -> Tensor:
        """floor(rate n) patches per slide: ``[N]`` bool."""
        wanted, order = share_of(nodes, rate=rate), random_order(nodes)
        ring = self._grow(nodes, order, wanted)
        nearest = order[torch.argsort(ring[order], stable=True)]  # ties stay in random order
        return first_per_slide(nearest, nodes, wanted=wanted)

    def _grow(self, nodes: Nodes, order: Tensor, wanted: Tensor) -> Tensor:
        """When each node was reached, ``[N]``; those that were not needed come last."""
        last = torch.iinfo(torch.long).max
        ring = torch.full_like(nodes.batch, last)
        seeds = -(-wanted // self.block_patches)  # [B], rounded up
        time, grown = 0, True
        while True:
            reached = ring < last
            short = wanted - _count(reached, nodes)
            if not bool((short > 0).any()):
                return ring
            if time == 0 or not grown:
                free = order[~reached[order]]
                new = _first_of(free, nodes, wanted=torch.minimum(seeds, short.clamp(min=0)))
                seeds = 2 * seeds
            else:
                new = _next_to(reached, nodes.adjacency) & (short > 0)[nodes.batch]
            grown = bool(new.any())
            ring[new] = time
            time += 1


def _first_of(some: Tensor, nodes: Nodes, *, wanted: Tensor) -> Tensor:
    """The first of ``some`` nodes of each slide, as ``[N]`` bool."""
    everywhere = torch.zeros_like(nodes.batch, dtype=torch.bool)
    everywhere[some] = True
    rest = torch.nonzero(~everywhere)[:, 0]
    return first_per_slide(torch.cat([some, rest]), nodes, wanted=wanted) & everywhere


def _next_to(reached: Tensor, adjacency: Adjacency) -> Tensor:
    """Nodes not reached that share an edge with one that is."""
    source, target = adjacency.edge_index
    touched = torch.zeros_like(reached)
    touched[target[reached[source]]] = True
    touched[source[reached[target]]] = True
    return touched & ~reached


def _count(chosen: Tensor, nodes: Nodes) -> Tensor:
    return torch.bincount(nodes.batch[chosen], minlength=nodes.num_graphs)
