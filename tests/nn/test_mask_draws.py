"""Masks beyond uniform: exact shares, blocks that hang together, attention that is hidden first."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch_geometric.data import Batch

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.errors import GraphError, RecipeError, UnknownPartError
from wsigraph.nn.masks.base import MaskDraw
from wsigraph.nn.masks.blocks import Blocks
from wsigraph.nn.masks.high_attention import HighAttention
from wsigraph.nn.masks.uniform import Uniform
from wsigraph.nn.views.base import Nodes
from wsigraph.nn.views.masked import Masked
from wsigraph.training.recipe import recipe


def lattice(side):
    """Edges of a square lattice, four neighbours."""
    at = torch.arange(side * side).view(side, side)
    pairs = torch.cat(
        [torch.stack([at[:, :-1], at[:, 1:]], -1).view(-1, 2), torch.stack([at[:-1], at[1:]], -1).view(-1, 2)]
    )
    return torch.cat([pairs, pairs.flip(1)]).T


def nodes_of(*sizes, edges=None, attention=None):
    """Square slides of these sides, joined as lattices or, where edges is False, not at all."""
    parts, start, batch = [], 0, []
    for slide, side in enumerate(sizes):
        n = side * side
        parts.append(lattice(side) + start if edges is None else torch.empty(2, 0, dtype=torch.long))
        batch.append(torch.full((n,), slide))
        start += n
    joined, batch = torch.cat(parts, 1), torch.cat(batch)
    weights = {} if attention is None else {"clean": attention}
    return Nodes(torch.zeros(start, 1), Adjacency.of(joined, start), batch, len(sizes), attention=weights)


def seeded(draw, nodes, *, rate, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return draw.draw(nodes, rate=rate)


def draws():
    return [Uniform(), Blocks(), Blocks(block_patches=1), HighAttention(), HighAttention(random_share=0)]


@pytest.mark.parametrize("rate", ["0", "0.1", "0.5", "0.7", "0.333", "1"])
@pytest.mark.parametrize("draw", draws(), ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("edges", [None, False], ids=["lattices", "no edges"])
def test_exactly_floor_of_rate_n_per_slide(draw, rate, edges):
    sides = (1, 2, 3, 10, 31)
    total = sum(s * s for s in sides)
    nodes = nodes_of(*sides, edges=edges, attention=torch.rand(total))
    mask = seeded(draw, nodes, rate=float(rate))
    assert mask.dtype == torch.bool
    counts = torch.bincount(nodes.batch[mask], minlength=len(sides))
    assert counts.tolist() == [floor(Fraction(rate) * s * s) for s in sides]


def pieces(mask, edges):
    """Connected pieces among the masked nodes, by SciPy."""
    chosen = np.flatnonzero(mask.numpy())
    place = np.full(len(mask), -1)
    place[chosen] = np.arange(len(chosen))
    inside = edges[:, mask[edges[0]] & mask[edges[1]]].numpy()
    matrix = coo_matrix((np.ones(inside.shape[1]), place[inside]), shape=(len(chosen),) * 2)
    return connected_components(matrix, directed=False)[0]


def test_a_block_for_every_block_patches_each_in_one_piece():
    nodes = nodes_of(40)
    for seed in range(5):
        mask = seeded(Blocks(block_patches=100), nodes, rate=0.25, seed=seed)  # 400 patches, 4 blocks
        assert int(mask.sum()) == 400
        assert pieces(mask, nodes.adjacency.edge_index) <= 4
        assert pieces(seeded(Uniform(), nodes, rate=0.25, seed=seed), nodes.adjacency.edge_index) > 50


def test_hidden_patches_have_more_hidden_neighbours_than_under_a_uniform_mask():
    nodes = nodes_of(40)
    source, target = nodes.adjacency.edge_index

    def share(draw):
        mask = seeded(draw, nodes, rate=0.5)
        return mask[source][mask[target]].float().mean().item()

    assert share(Uniform()) == pytest.approx(0.5, abs=0.05)
    assert share(Blocks(block_patches=200)) > 0.85


def test_a_block_is_a_ball_of_the_graph():
    n = 101  # a path: the ball about a node is an interval
    ends = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
    for edges in (ends, ends.flip(0)):  # directed either way, walked both ways
        nodes = Nodes(torch.zeros(n, 1), Adjacency.of(edges, n), torch.zeros(n, dtype=torch.long), 1)
        at = torch.nonzero(seeded(Blocks(block_patches=n), nodes, rate=0.3))[:, 0]
        assert len(at) == 30
        assert int(at[-1] - at[0]) == 29


def test_blocks_go_on_elsewhere_when_a_piece_of_tissue_is_full():
    one = lattice(5)  # 25 patches each, ten pieces not joined
    edges = torch.cat([one + 25 * i for i in range(10)], 1)
    nodes = Nodes(torch.zeros(250, 1), Adjacency.of(edges, 250), torch.zeros(250, dtype=torch.long), 1)
    mask = seeded(Blocks(block_patches=250), nodes, rate=0.3)  # one block to start, 75 to hide
    per_piece = mask.view(10, 25).sum(1)
    assert int(mask.sum()) == 75
    assert int((per_piece == 25).sum()) >= 1
    assert int((per_piece > 0).sum()) <= 5


def test_every_patch_may_be_hidden_and_slides_are_drawn_apart():
    nodes = nodes_of(6, 6)
    masks = torch.stack([seeded(Blocks(block_patches=9), nodes, rate=0.25, seed=s) for s in range(300)])
    assert (masks.float().mean(0) > 0.05).all()
    assert any(not torch.equal(m[:36], m[36:]) for m in masks)


def test_one_slide_changes_nothing_about_the_share_of_another():
    alone, together = nodes_of(12), nodes_of(12, 30)
    for nodes in (alone, together):
        mask = seeded(Blocks(block_patches=36), nodes, rate=0.25)
        assert int(mask[:144].sum()) == 36
        assert pieces(mask[:144], alone.adjacency.edge_index) == 1


def test_without_random_share_the_highest_attention_is_hidden_exactly():
    attention = torch.rand(100 + 49, generator=torch.Generator().manual_seed(0))
    nodes = nodes_of(10, 7, attention=attention)
    mask = seeded(HighAttention(random_share=0.0), nodes, rate=0.3)
    for rows, count in ((slice(0, 100), 30), (slice(100, 149), 14)):
        top = np.argsort(-attention[rows].numpy())[:count]
        assert set(np.flatnonzero(mask[rows].numpy())) == set(top)


def test_the_random_share_varies_and_the_rest_does_not():
    attention = torch.rand(400, generator=torch.Generator().manual_seed(0))
    nodes = nodes_of(20, attention=attention)
    top = torch.zeros(400, dtype=torch.bool)
    top[attention.argsort(descending=True)[:150]] = True  # 0.5 * 400 * (1 - 0.25)
    masks = torch.stack(
        [seeded(HighAttention(random_share=0.25), nodes, rate=0.5, seed=s) for s in range(400)]
    )
    assert masks[:, top].all()
    assert (masks.sum(1) == 200).all()
    often = masks[:, ~top].float().mean(0)  # 50 of the 250 others
    assert (often - 0.2).abs().max() < 0.1


def test_ties_of_attention_are_broken_at_random():
    nodes = nodes_of(10, attention=torch.ones(100))
    masks = [seeded(HighAttention(random_share=0.0), nodes, rate=0.5, seed=s) for s in (0, 1)]
    assert not torch.equal(*masks)


def test_no_attention_is_refused():
    with pytest.raises(GraphError, match=r"Mask 'high_attention': expected attention of view 'clean'"):
        HighAttention().draw(nodes_of(3), rate=0.5)


@pytest.mark.parametrize(
    ("mask", "error", "sentence"),
    [
        ("block", UnknownPartError, "Registry 'mask': expected one of .* Did you mean 'blocks'"),
        ({"name": "blocks", "size": 3}, RecipeError, r"mask 'blocks': expected options among .*\['size'\]"),
        ({"block_patches": 3}, RecipeError, "Registry 'mask': expected a name"),
        ({"name": "blocks", "block_patches": 0}, RecipeError, "block_patches of at least 1, got 0"),
        ({"name": "high_attention", "random_share": 2}, RecipeError, "random_share between 0 and 1, got 2"),
    ],
)
def test_impossible_masks_are_refused(mask, error, sentence):
    with pytest.raises(error, match=sentence):
        Masked(6, mask=mask)


class TestInAModel:
    """``srmil`` with other masks."""

    @staticmethod
    def srmil(**changes):
        base = recipe("srmil", in_channels=6, classes=["a", "b"])
        return base.with_settings({"encoder.hidden_channels": 8, **changes})

    @staticmethod
    def batch():
        some = []
        for side in (6, 5):
            x = torch.randn(side * side, 6, generator=torch.Generator().manual_seed(side))
            some.append(SpatialGraph(x, lattice(side), pos=torch.zeros(side * side, 2), slide_id=f"s{side}"))
        return Batch.from_data_list(some)

    def test_the_clean_pass_says_what_the_masked_one_hides(self):
        high = {"name": "high_attention", "random_share": 0.0}
        model, _ = self.srmil(**{"views.masked.mask": high, "views.masked.rate": 0.5}).build()
        model.eval()
        seen = model.look(self.batch(), {"masked": (None,)})
        assert set(seen) == {"masked"}
        attention = model(self.batch()).attention[:, 0]
        for rows in (slice(0, 36), slice(36, 61)):
            mask = seen["masked"].mask[rows]
            assert attention[rows][mask].min() > attention[rows][~mask].max()

    def test_it_trains(self):
        model, objectives = self.srmil(**{"views.masked.mask": "high_attention"}).build()
        loss = objectives(model, self.batch(), target=torch.tensor([0, 1]))
        loss.total.backward()
        assert torch.isfinite(loss.total)
        assert all(p.grad is not None for p in model.parameters())

    def test_a_head_without_attention_is_refused_when_the_recipe_is_built(self):
        changes = {"views.masked.mask": "high_attention", "heads.bag.aggregator": {"name": "mean"}}
        with pytest.raises(RecipeError, match=r"View 'masked': expected a head that says where it looks"):
            self.srmil(**changes)

    def test_a_view_that_comes_later_cannot_be_asked(self):
        with pytest.raises(RecipeError, match=r"View 'masked': expected a base among the views before it"):
            self.srmil(**{"views.masked.mask": {"name": "high_attention", "view": "masked"}})


def test_all_draws_are_registered():
    assert {"uniform", "blocks", "high_attention"} <= set(MaskDraw.registry.names())
