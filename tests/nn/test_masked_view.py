"""The masked view: how many, where, and that the token stands before the stem."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
import torch
from torch import nn

from wsigraph.data.adjacency import Adjacency
from wsigraph.errors import GraphError, RecipeError
from wsigraph.nn.encoders.gat import GAT
from wsigraph.nn.masks.uniform import Uniform
from wsigraph.nn.views.base import Nodes, Seen
from wsigraph.nn.views.masked import Masked
from wsigraph.testing.slides import make_slides


def uniform_mask(batch, num_graphs, *, rate):
    adjacency = Adjacency(torch.empty(2, 0, dtype=torch.long), len(batch))
    return Uniform().draw(Nodes(torch.zeros(len(batch), 1), adjacency, batch, num_graphs), rate=rate)


@pytest.mark.parametrize("rate", ["0", "0.1", "0.3", "0.5", "0.7", "0.9", "0.333", "1"])
def test_exactly_floor_of_rate_n_per_slide(rate):
    sizes = torch.cat([torch.arange(1, 300), torch.tensor([1000, 9990, 10_000, 100_000])])
    batch = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    mask = uniform_mask(batch, len(sizes), rate=float(rate))
    counts = torch.zeros(len(sizes), dtype=torch.long).index_add_(0, batch, mask.long())
    assert counts.tolist() == [floor(Fraction(rate) * n) for n in sizes.tolist()]


def test_a_million_patches_are_counted_exactly():
    mask = uniform_mask(torch.zeros(1_000_003, dtype=torch.long), 1, rate=0.7)
    assert int(mask.sum()) == 700_002


def test_every_patch_is_drawn_equally_often():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        batch = torch.tensor([0] * 10 + [1] * 4)
        share = torch.stack([uniform_mask(batch, 2, rate=0.5) for _ in range(4000)]).float().mean(0)
    assert (share - 0.5).abs().max() < 0.04  # five standard deviations


def test_a_slide_of_one_patch_keeps_it():
    assert not uniform_mask(torch.tensor([0, 1, 1]), 2, rate=0.7)[0]


def look(view, stem, slides, mask):
    nodes = Nodes(stem(slides.x), slides.adjacency, slides.batch, slides.num_graphs)
    return view(nodes, stem, Seen(nodes.h, nodes.adjacency), mask)


def test_equals_replacing_rows_of_x_before_the_stem():
    slides = make_slides(6)
    encoder = GAT(6, hidden_channels=8).double().eval()
    view = Masked(6).double()
    mask = torch.arange(len(slides.x)) % 3 > 0
    x = slides.x.clone()
    x[mask] = view.token.detach()
    seen = look(view, encoder.stem, slides, mask)
    torch.testing.assert_close(
        encoder.propagate(seen.h, seen.adjacency), encoder(x, slides.adjacency), rtol=0, atol=1e-12
    )


def test_the_token_learns_and_masked_rows_do_not():
    slides, stem, view = make_slides(6), nn.Linear(6, 4).double(), Masked(6).double()
    x = slides.x.clone().requires_grad_()
    mask = torch.arange(len(x)) % 2 == 0
    nodes = Nodes(stem(x), slides.adjacency, slides.batch, slides.num_graphs)
    view(nodes, stem, Seen(nodes.h, nodes.adjacency, len(x)), mask).h.square().sum().backward()
    assert (x.grad[mask] == 0).all()
    assert (x.grad[~mask] != 0).any(1).all()
    assert (view.token.grad != 0).any()


def test_the_token_starts_small():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert Masked(100_000).token.std().item() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(RecipeError, match=r"View 'masked': expected a rate between 0 and 1, got"):
        Masked(6, rate=rate)


def test_a_mask_of_the_wrong_length_is_refused():
    slides = make_slides(6)
    with pytest.raises(GraphError, match=r"a bool mask of shape \[18\], got \[17\]"):
        look(Masked(6).double(), nn.Linear(6, 4).double(), slides, torch.zeros(17, dtype=torch.bool))
