"""CAMIL against NumPy loops: edge products, attention to neighbours, fusion; it reads edges and places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from wsigraph.data.adjacency import Adjacency
from wsigraph.data.bags import Bags
from wsigraph.errors import GraphError
from wsigraph.nn.encoders.camil import CAMIL, fuse
from wsigraph.nn.layers import edge_dot as module
from wsigraph.nn.layers.edge_dot import edge_dot
from wsigraph.nn.layers.neighbour_attention import NeighbourAttention
from wsigraph.testing.slides import make_slides


@pytest.fixture(params=["fused", 1, 7, 10**6])
def form(request, monkeypatch):
    """The fused loop, and the plain form that runs elsewhere with so many edges at a time."""
    if request.param != "fused":
        monkeypatch.setattr(module, "on_numba", lambda values: False)
        monkeypatch.setattr(module, "EDGES", request.param)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("every", [1, 2])
def test_edge_products_equal_loops(every):
    slides = make_slides(6)
    adjacency = Adjacency.of(slides.edge_index[:, ::every], len(slides.x))  # both ways, directed
    a, b = slides.x.numpy(), slides.x.flip(0).numpy()
    wanted = [a[u] @ b[v] for u, v in adjacency.edge_index.T.tolist()]
    out = edge_dot(slides.x, slides.x.flip(0), adjacency=adjacency)
    np.testing.assert_allclose(out, wanted, atol=1e-12)


@pytest.mark.usefixtures("form")
def test_edge_products_have_the_gradients_of_finite_differences():
    slides = make_slides(4)
    adjacency = Adjacency.of(slides.edge_index[:, ::2], len(slides.x))
    ends = (slides.x.clone().requires_grad_(), slides.x.flip(0).requires_grad_())
    assert torch.autograd.gradcheck(lambda a, b: edge_dot(a, b, adjacency=adjacency), ends)


@pytest.mark.usefixtures("form")
def test_edge_products_of_no_edge():
    x = torch.randn(3, 2, requires_grad=True)
    out = edge_dot(x, x, adjacency=Adjacency(torch.empty(2, 0, dtype=torch.long), 3))
    out.sum().backward()
    assert out.shape == (0,)
    assert not x.grad.any()


def cosine(a, b):
    lengths = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / lengths) if lengths else 0.0


def near_by_hand(layer, t, x, edges):
    wq, wk, wv = (each.weight.detach().numpy() for each in (layer.query, layer.key, layer.value))
    w = np.zeros(len(t))
    for j, i in edges:
        w[i] += np.exp(cosine(x[i], x[j]) - 1) * (wq @ t[i]) @ (wk @ t[j]) / np.sqrt(len(wq))
    share = np.exp(w - w.max()) / np.exp(w - w.max()).sum()
    return np.stack([a * (wv @ row) for a, row in zip(share, t, strict=True)])


@pytest.fixture(params=["edges both ways", "directed", "no edges"])
def slides(request):
    made = make_slides(6)
    keep = {"edges both ways": 1, "directed": 2, "no edges": 10**6}[request.param]
    edges = made.edge_index[:, ::keep] if keep < 10**6 else made.edge_index[:, :0]
    return replace(made, edge_index=edges)


def test_attention_to_neighbours_equals_loops(slides):
    layer = NeighbourAttention(6, attention_channels=5).double()
    t = slides.x.flip(1)
    out = layer(t, slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        one, rows = slides.one(slide), slides.rows(slide)
        wanted = near_by_hand(layer, t[rows].numpy(), one.x.numpy(), one.edge_index.T.tolist())
        np.testing.assert_allclose(out[rows].detach(), wanted, atol=1e-12)


def test_without_edges_each_patch_has_an_equal_share():
    layer, slides = NeighbourAttention(6).double(), make_slides(6).without_edges()
    out = layer(slides.x, slides.x, slides.bags)
    wanted = layer.value(slides.x) / slides.bags.counts[slides.batch].unsqueeze(1)
    torch.testing.assert_close(out, wanted, rtol=1e-12, atol=1e-12)


def test_empty_patches_have_gradients():
    """Two patches that are alike and a patch of zeros, as of glass."""
    layer, x = NeighbourAttention(3, attention_channels=2), torch.tensor([[1.0, 2, 3], [1, 2, 3], [0, 0, 0]])
    x.requires_grad_()
    edges = Adjacency.of(torch.tensor([[0, 1, 2, 0, 2], [1, 0, 0, 2, 2]]), 3)
    layer(x, x, Bags(torch.zeros(3, dtype=torch.long), 1, edges)).square().sum().backward()
    assert torch.isfinite(x.grad).all()


def test_fusion_by_known_values():
    local, wide = torch.tensor([0.0, 40.0, -40.0]), torch.tensor([3.0, 5.0, 7.0])
    torch.testing.assert_close(fuse(local, wide), torch.tensor([1.5, 40.0, 7.0]))


def test_encoder_is_its_parts_in_raster_order():
    slides = make_slides(6)
    encoder = CAMIL(6, hidden_channels=8, attention_channels=4, heads=2, landmarks=3).double().eval()
    out = encoder.mix(encoder.stem(slides.x), slides.bags)
    for slide in range(slides.num_graphs):
        one = slides.one(slide)
        w, b = (p.detach().numpy() for p in (encoder.linear.weight, encoder.linear.bias))
        h = np.maximum(one.x.numpy() @ w.T + b, 0)
        walk = sorted(range(len(h)), key=lambda i, pos=one.pos: (float(pos[i, 1]), float(pos[i, 0])))
        t = h.copy()
        t[walk] += encoder.slide(torch.from_numpy(h[walk])).detach().numpy()
        local = near_by_hand(encoder.near, t, h, one.edge_index.T.tolist())
        gate = 1 / (1 + np.exp(-local))
        wanted = gate * local + (1 - gate) * t
        np.testing.assert_allclose(out[slides.rows(slide)].detach(), wanted, atol=1e-10)


def test_more_patches_than_landmarks_in_any_order():
    slides = make_slides(6, sizes=(50, 20))
    encoder = CAMIL(6, hidden_channels=8, heads=2, landmarks=6).double().eval()
    out, order = encoder.mix(encoder.stem(slides.x), slides.bags), slides.order_within()
    moved = slides.shuffled(order)
    again = encoder.mix(encoder.stem(moved.x), moved.bags)
    torch.testing.assert_close(again, out[order], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("lost", "what"), [("edges", "a batch with edges"), ("pos", "patches with coordin")])
def test_what_it_reads_must_be_there(lost, what):
    slides, encoder = make_slides(6), CAMIL(6, hidden_channels=8).double()
    with pytest.raises(GraphError, match=f"expected {what}"):
        encoder.mix(encoder.stem(slides.x), replace(slides.bags, **{lost: None}))


def test_no_tensor_has_a_number_for_each_pair_of_patches(largest):
    n, nodes = 3_000, torch.arange(3_000)
    ring = torch.stack([nodes, (nodes + 1) % n])
    edges = Adjacency.of(torch.cat([ring, ring.flip(0)], 1), n)
    bags = Bags(torch.zeros(n, dtype=torch.long), 1, edges, torch.stack([nodes % 60, nodes // 60], 1).float())
    encoder = CAMIL(4, hidden_channels=8, heads=2, landmarks=16)
    x = torch.randn(n, 4, requires_grad=True)
    with largest:
        encoder.mix(encoder.stem(x), bags).square().sum().backward()
    assert largest.nbytes * 10 < 4 * n * n
