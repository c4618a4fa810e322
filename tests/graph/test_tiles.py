"""Tiles part a slide, and a tile with its halo hears what it hears on the whole graph."""

from __future__ import annotations

import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.graph.tiles import surrounded, tiles_of
from wsigraph.testing.slides import make_slides


def lattice(side):
    steps = torch.arange(side)
    return torch.cartesian_prod(steps, steps).double() * 256


@pytest.mark.parametrize("max_nodes", [1, 7, 64, 399, 400, 10_000])
@pytest.mark.parametrize("known", [True, False], ids=["coordinates", "none"])
def test_every_node_stands_in_one_tile_of_at_most_that_many(max_nodes, known):
    tiles = tiles_of(lattice(20) if known else None, 400, max_nodes=max_nodes)
    assert torch.equal(torch.cat(tiles).sort().values, torch.arange(400))
    assert max(len(tile) for tile in tiles) <= max_nodes
    assert all(bool((tile.diff() > 0).all()) for tile in tiles)
    assert len(tiles) <= 2 * -(-400 // max_nodes)


def test_tiles_are_squares_and_not_strips():
    pos = lattice(32)
    for tile in tiles_of(pos, 1024, max_nodes=64):
        extent = pos[tile].amax(0) - pos[tile].amin(0)
        assert extent.max() <= 2 * extent.min()


def test_many_patches_in_one_place_are_still_cut():
    assert [len(t) for t in tiles_of(torch.zeros(9, 2), 9, max_nodes=3)] == [2, 2, 2, 3]
    assert tiles_of(torch.zeros(0, 2), 0, max_nodes=3) == []


@pytest.mark.parametrize("hops", [0, 1, 2, 3])
def test_a_halo_is_all_from_which_the_tile_can_be_reached(hops):
    slides = make_slides(2, sizes=(30,))
    adjacency = Adjacency.of(slides.edge_index[:, ::3], 30)  # directed, some nodes without edges
    tile = torch.tensor([3, 4, 19])
    source, target = adjacency.edge_index
    near = set(tile.tolist())
    for _ in range(hops):
        near |= {int(a) for a, b in zip(source, target, strict=True) if int(b) in near}
    part = surrounded(adjacency, tile, hops=hops)
    assert part.nodes.tolist() == sorted(near)
    assert part.nodes[part.own].tolist() == tile.tolist()
    assert bool((part.adjacency.edge_index[1].diff() >= 0).all())


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
def test_as_many_rounds_of_sums_as_hops_are_exact_in_the_tile(rounds):
    slides = make_slides(2, sizes=(30,))
    adjacency = Adjacency.of(slides.edge_index[:, ::3], 30)

    def sums(h, edges):
        for _ in range(rounds):
            h = torch.zeros_like(h).index_add_(0, edges[1], h[edges[0]])
        return h

    for tile in tiles_of(None, 30, max_nodes=4):
        part = surrounded(adjacency, tile, hops=rounds)
        inside = sums(slides.x[part.nodes], part.adjacency.edge_index)[part.own]
        torch.testing.assert_close(inside, sums(slides.x, adjacency.edge_index)[tile])
