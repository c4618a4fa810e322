"""Sum and mean over neighbours against PyG, loops and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GCNConv, MeanAggregation, SumAggregation
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from wsigraph.data.adjacency import Adjacency
from wsigraph.nn.kernels import reference
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.testing.slides import make_slides


@pytest.mark.parametrize(("reduce", "theirs"), [("sum", SumAggregation()), ("mean", MeanAggregation())])
def test_equals_pyg(reduce, theirs):
    slides = make_slides(6)
    edges = slides.adjacency.edge_index
    ours = aggregate(slides.x.float(), adjacency=slides.adjacency, reduce=reduce)
    wanted = theirs(slides.x.float()[edges[0]], edges[1], dim_size=len(slides.x))
    torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5)


def test_equals_gcn_with_its_weights():
    slides = make_slides(6)
    edges, weight = gcn_norm(slides.adjacency.edge_index, None, len(slides.x), dtype=torch.float64)
    layer = GCNConv(6, 4, bias=False).double()
    order = edges[1].argsort(stable=True)
    adjacency = Adjacency(edges[:, order].contiguous(), len(slides.x))
    ours = aggregate(layer.lin(slides.x), adjacency=adjacency, weight=weight[order])
    torch.testing.assert_close(ours, layer(slides.x, slides.edge_index), rtol=0, atol=1e-12)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("weighed", [False, True])
def test_loops_and_finite_differences_between_two_sets(reduce, weighed):
    edges = torch.tensor([[3, 1, 1, 0, 5], [0, 0, 0, 2, 2]])  # one twice, and nothing enters targets 1 and 3
    adjacency = Adjacency(edges, 4, 6)
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(6, 3, generator=generator, dtype=torch.float64).requires_grad_()
    weight = torch.rand(5, generator=generator, dtype=torch.float64).requires_grad_() if weighed else None

    def run(h, weight=None):
        return aggregate(h, adjacency=adjacency, weight=weight, reduce=reduce)

    wanted = torch.zeros(4, 3, dtype=torch.float64)
    for e, (u, v) in enumerate(edges.T.tolist()):
        share = (1 if weight is None else weight[e]) / ((3, 1, 2, 1)[v] if reduce == "mean" else 1)
        wanted[v] += (share * h[u]).detach()
    torch.testing.assert_close(run(h, weight).detach(), wanted, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(run, (h, weight) if weighed else (h,))


def test_large_sums_equal_the_reference_and_threads_change_nothing():
    generator = torch.Generator().manual_seed(2)
    adjacency = Adjacency.of(torch.randint(500, (2, 5000), generator=generator), 500)
    h = torch.randn(500, 64, generator=generator).requires_grad_()
    weight = torch.rand(5000, generator=generator).requires_grad_()
    before, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            out = aggregate(h, adjacency=adjacency, weight=weight)
            results.append((out, *torch.autograd.grad(out.square().sum(), (h, weight))))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))
    out = reference.aggregate_sum(h, edge_index=adjacency.edge_index, num_targets=500, weight=weight)
    plain = (out, *torch.autograd.grad(out.square().sum(), (h, weight)))
    for one, other in zip(results[0], plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)
