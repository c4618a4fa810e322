"""Moments over neighbours against loops, PyG and finite differences; ties and large means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.nn.aggr import MaxAggregation, MeanAggregation, MinAggregation, VarAggregation

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import moments as module
from wsigraph.nn.kernels.moments import neighbour_moments
from wsigraph.testing.slides import make_slides

EDGES = torch.tensor([[3, 1, 1, 0, 5], [0, 0, 0, 2, 2]])  # one twice, and nothing enters targets 1 and 3


@pytest.fixture(params=["fused", "plain"])
def form(request, monkeypatch):
    """The fused loops, and the plain form that runs elsewhere."""
    if request.param == "plain":
        monkeypatch.setattr(module, "on_numba", lambda values: False)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def four(h, adjacency):
    found = neighbour_moments(h, adjacency=adjacency)
    return found.mean, found.variance, found.largest, found.smallest


@pytest.mark.usefixtures("form")
def test_loops_and_finite_differences_between_two_sets():
    adjacency, h = Adjacency(EDGES, 4, 6), random(6, 3).requires_grad_()
    found = four(h, adjacency)
    for v in range(4):
        rows = h.detach().numpy()[[u for u, w in EDGES.T.tolist() if w == v]]
        for out, reduce in zip(found, (np.mean, np.var, np.max, np.min), strict=True):
            wanted = reduce(rows, axis=0) if len(rows) else np.zeros(3)
            np.testing.assert_allclose(out[v].detach().numpy(), wanted, rtol=0, atol=1e-12)
    lone = h.detach()[[0, 3, 5]].requires_grad_()  # no two alike, so largest and smallest have a slope
    pairs = Adjacency(torch.tensor([[0, 1, 1, 2], [0, 0, 1, 1]]), 2, 3)
    assert torch.autograd.gradcheck(lambda h: four(h, pairs), (lone,))


@pytest.mark.usefixtures("form")
def test_equals_pyg():
    slides, found = make_slides(6), []
    edges = slides.adjacency.edge_index
    theirs = (MeanAggregation(), VarAggregation(), MaxAggregation(), MinAggregation())
    for run in (
        lambda x: four(x, slides.adjacency),
        lambda x: tuple(one(x[edges[0]], edges[1], dim_size=len(x)) for one in theirs),
    ):
        x = slides.x.clone().requires_grad_()
        out = torch.cat(run(x), 1)
        (out * random(*out.shape, seed=1)).sum().backward()
        found.append((out.detach(), x.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("form")
def test_equal_neighbours_share_the_gradient_of_what_they_are_the_largest_of():
    h = torch.tensor([[2.0], [2.0], [1.0], [2.0]], dtype=torch.float64, requires_grad=True)
    adjacency = Adjacency(torch.tensor([[0, 1, 2, 3], [0, 0, 0, 1]]), 2, 4)
    found = neighbour_moments(h, adjacency=adjacency)
    (found.largest[0] * 6 + found.smallest[1] * 5).sum().backward()
    assert h.grad[:, 0].tolist() == [3.0, 3.0, 0.0, 5.0]


@pytest.mark.usefixtures("form")
def test_a_large_mean_leaves_the_variance_exact():
    h = torch.tensor([[4096.0], [4098.0]])  # squares of these differ by less than single precision holds
    adjacency = Adjacency(torch.tensor([[0, 1], [0, 0]]), 1, 2)
    assert neighbour_moments(h, adjacency=adjacency).variance.item() == 1.0
    half = neighbour_moments(h.bfloat16(), adjacency=adjacency)
    assert half.largest.dtype == torch.bfloat16
    assert half.largest.item() == h.bfloat16().max().item()


def test_single_precision_equals_the_plain_form_and_threads_change_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    adjacency = Adjacency.of(torch.randint(500, (2, 5000), generator=generator), 500)
    h = torch.randn(500, 64, generator=generator).requires_grad_()

    def run():
        out = four(h, adjacency)
        return *out, *torch.autograd.grad(sum(one.square().sum() for one in out), (h,))

    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(run())
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    monkeypatch.setattr(module, "on_numba", lambda values: False)
    for one, other in zip(results[0], run(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
