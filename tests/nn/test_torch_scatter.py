"""Where torch-scatter is installed (extra ``scatter``): its sums are ours, and no answer depends on it."""

from __future__ import annotations

import pytest
import torch
import torch_geometric.typing
from torch_geometric.nn import GATConv
from torch_geometric.utils import segment, softmax

from wsigraph.data.spatial_graph import SpatialGraph
from wsigraph.nn.kernels.aggregate import aggregate
from wsigraph.nn.kernels.attention import graph_attention
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe, recipe_names

torch_scatter = pytest.importorskip(
    "torch_scatter", reason="torch-scatter is not installed (it compiles for minutes: extra 'scatter')"
)


@pytest.fixture(scope="module")
def slides():
    return make_slides(6, sizes=(40, 1, 25))


def assert_same_with_gradients(ours, theirs, leaves):
    got, want = ours(), theirs()
    torch.testing.assert_close(got, want, rtol=0, atol=1e-10)
    weight = torch.randn(want.shape, generator=torch.Generator().manual_seed(0), dtype=want.dtype)
    for one, other in zip(
        torch.autograd.grad((got * weight).sum(), leaves),
        torch.autograd.grad((want * weight).sum(), leaves),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
@pytest.mark.parametrize("form", ["scatter", "segment_csr"])
def test_sums_and_means_over_neighbours(reduce, form, slides):
    x, adjacency = slides.x.clone().requires_grad_(), slides.adjacency
    source, target = adjacency.edge_index

    def theirs():
        if form == "scatter":
            return torch_scatter.scatter(x[source], target, dim=0, dim_size=len(x), reduce=reduce)
        return torch_scatter.segment_csr(x[source], adjacency.by_target.ptr, reduce=reduce)

    assert_same_with_gradients(lambda: aggregate(x, adjacency=adjacency, reduce=reduce), theirs, (x,))


def test_attention_over_neighbours(slides):
    draw = torch.Generator().manual_seed(3)
    n, adjacency = len(slides.x), slides.adjacency
    source, target = adjacency.edge_index
    h, s, t = (
        torch.randn(size, generator=draw, dtype=torch.float64).requires_grad_()
        for size in ((n, 2, 5), (n, 2), (n, 2))
    )

    def theirs():
        logits = torch.nn.functional.leaky_relu(s[source] + t[target], 0.2)
        attention = torch_scatter.scatter_softmax(logits, target, dim=0)
        return torch_scatter.scatter_sum(h[source] * attention.unsqueeze(-1), target, dim=0, dim_size=n)

    assert_same_with_gradients(lambda: graph_attention(h, s, t, adjacency=adjacency)[0], theirs, (h, s, t))


def assert_same_with_and_without(monkeypatch, ask):
    """What ``ask`` says where PyG uses torch-scatter, and where it does not, must be the same."""
    assert torch_geometric.typing.WITH_TORCH_SCATTER
    given = ask()
    monkeypatch.setattr(torch_geometric.typing, "WITH_TORCH_SCATTER", False)
    for one, other in zip(given, ask(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_layers_of_pyg(monkeypatch, slides):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = GATConv(6, 4, heads=2, add_self_loops=False).double()
    ptr = slides.adjacency.by_target.ptr
    edges = torch.arange(float(int(ptr[-1])), dtype=torch.float64)

    def ask():
        x = slides.x.clone().requires_grad_()
        out = layer(x, slides.adjacency.edge_index)
        (grad,) = torch.autograd.grad(out.square().sum(), x)
        return out, grad, softmax(edges / 100, ptr=ptr), segment(edges, ptr, reduce="sum")

    assert_same_with_and_without(monkeypatch, ask)


@pytest.mark.parametrize("name", recipe_names())
def test_no_recipe_answers_otherwise(name, monkeypatch, slides):
    model, objectives = recipe(name, in_channels=6, classes=["a", "b"]).build()
    one = slides.one(0)
    graph = SpatialGraph(one.x.float(), one.adjacency.edge_index, pos=torch.rand(40, 2))

    def ask():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            loss = objectives(model, graph, target=torch.tensor([1]))
        grads = torch.autograd.grad(loss.total, list(model.parameters()), allow_unused=True)
        return loss.total, *(grad for grad in grads if grad is not None)

    assert_same_with_and_without(monkeypatch, ask)
