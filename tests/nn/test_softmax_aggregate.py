"""The softmax-weighed sum over neighbours against loops, PyG, its limits and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch_geometric.nn.aggr import SoftmaxAggregation

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import softmax_aggregate as module
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.kernels.softmax_aggregate import softmax_aggregate
from wsigraph.testing.slides import make_slides

EDGES = torch.tensor([[3, 1, 1, 0, 5], [0, 0, 0, 2, 2]])  # one twice, and nothing enters targets 1 and 3


@pytest.fixture(params=["fused", "plain"])
def form(request, monkeypatch):
    """The fused loops, and the plain form that runs elsewhere."""
    if request.param == "plain":
        monkeypatch.setattr(module, "on_numba", lambda values: False)


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_loops(h, t, edges, num_targets):
    out = torch.zeros(num_targets, h.shape[1], dtype=h.dtype)
    for v in range(num_targets):
        sources = [u for u, w in edges.T.tolist() if w == v]
        for c in range(h.shape[1]):
            weights = [math.exp(t * float(h[u, c])) for u in sources]
            out[v, c] = sum(w * float(h[u, c]) / sum(weights) for w, u in zip(weights, sources, strict=True))
    return out


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("t", [1.0, 0.3, -2.0])
def test_loops_and_finite_differences_between_two_sets(t):
    adjacency, h = Adjacency(EDGES, 4, 6), random(6, 3).requires_grad_()
    temperature = torch.tensor([t], dtype=torch.float64, requires_grad=True)
    out = softmax_aggregate(h, temperature, adjacency=adjacency)
    torch.testing.assert_close(out.detach(), by_loops(h.detach(), t, EDGES, 4), rtol=0, atol=1e-12)
    assert (out[[1, 3]] == 0).all()
    assert torch.autograd.gradcheck(lambda *a: softmax_aggregate(*a, adjacency=adjacency), (h, temperature))


@pytest.mark.usefixtures("form")
def test_equals_pyg():
    slides, theirs = make_slides(6), SoftmaxAggregation(t=0.75, learn=True).double()
    edges, found = slides.adjacency.edge_index, []
    t = torch.tensor([0.75], dtype=torch.float64, requires_grad=True)
    for run, given in (
        (lambda x: softmax_aggregate(x, t, adjacency=slides.adjacency), t),
        (lambda x: theirs(x[edges[0]], edges[1], dim_size=len(x)), theirs.t),
    ):
        x = slides.x.clone().requires_grad_()
        out = run(x)
        out.square().sum().backward()
        found.append((out.detach(), x.grad, given.grad))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("form")
def test_temperature_leads_from_the_smallest_over_the_mean_to_the_largest():
    slides = make_slides(6)
    run = {
        t: softmax_aggregate(slides.x, torch.tensor([t]).double(), adjacency=slides.adjacency)
        for t in (-1e4, 0.0, 1e4)
    }
    edges = slides.adjacency.edge_index
    near = [slides.x[edges[0, edges[1] == v]] for v in range(len(slides.x))]
    torch.testing.assert_close(run[-1e4], torch.stack([rows.amin(0) for rows in near]))
    torch.testing.assert_close(run[1e4], torch.stack([rows.amax(0) for rows in near]))
    mean = aggregate(slides.x, adjacency=slides.adjacency, reduce="mean")
    torch.testing.assert_close(run[0.0], mean, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_neighbours_far_below_the_largest_of_all_keep_their_weights(dtype):
    h = torch.tensor(
        [[0.0], [1.0], [1000.0]], dtype=dtype
    )  # e^1000 is no number: each target has its own top
    adjacency = Adjacency(torch.tensor([[0, 1, 2], [0, 0, 1]]), 2, 3)
    out = softmax_aggregate(h, torch.ones(1), adjacency=adjacency)
    assert out.dtype == dtype
    torch.testing.assert_close(
        out.float(), torch.tensor([[math.e / (1 + math.e)], [1000.0]]), rtol=1e-2, atol=0
    )


def test_single_precision_equals_the_plain_form_and_threads_change_nothing(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    adjacency = Adjacency.of(torch.randint(500, (2, 5000), generator=generator), 500)
    h = torch.randn(500, 64, generator=generator).mul(3).requires_grad_()
    t = torch.tensor([1.3], requires_grad=True)

    def run():
        out = softmax_aggregate(h, t, adjacency=adjacency)
        return out, *torch.autograd.grad(out.square().sum(), (h, t))

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
