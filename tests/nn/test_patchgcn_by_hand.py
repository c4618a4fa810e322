"""Patch-GCN and DeepGraphConv against NumPy loops and PyG, and what sets them apart from their impostors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.nn import DeepGCNLayer, GENConv, GINConv

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import RecipeError
from wsigraph.graph.build import to_graph
from wsigraph.nn.encoders.deepgraphconv import DeepGraphConv
from wsigraph.nn.encoders.patchgcn import PatchGCN
from wsigraph.testing.slides import make_slides
from wsigraph.training.build import graph_builder
from wsigraph.training.recipe import recipe


def encoder(kind, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = kind(6, hidden_channels=8, **options).double().eval()
        with torch.no_grad():
            for name, value in made.named_parameters():
                if name.endswith("temperature"):
                    value.fill_(1.7)
                elif value.ndim == 1:
                    value.normal_()
        return made


def norm(x, weight, bias):
    return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * weight + bias


def gen_by_loops(x, edges, value, layer):
    """One generalised convolution, an edge and a channel at a time."""
    t, message = float(value[f"{layer}.temperature"][0]), np.maximum(x, 0) + 1e-7
    heard = np.zeros_like(x)
    for v in range(len(x)):
        near = [u for u, w in edges.T.tolist() if w == v]
        for c in range(x.shape[1]):
            logits = [math.exp(t * message[u, c]) for u in near]
            heard[v, c] = sum(e / sum(logits) * message[u, c] for e, u in zip(logits, near, strict=True))
    w = [(value[f"{layer}.network.{i}.weight"], value[f"{layer}.network.{i}.bias"]) for i in (0, 1, 3)]
    return np.maximum(norm((x + heard) @ w[0][0].T + w[0][1], *w[1]), 0) @ w[2][0].T + w[2][1]


def test_patchgcn_equals_loops():
    slides, made = make_slides(6), encoder(PatchGCN)
    value = {name: p.detach().numpy() for name, p in made.named_parameters()}
    edges = slides.edge_index[:, slides.edge_index[0] != slides.edge_index[1]]  # the lone patch hears nothing
    layers = [np.maximum(slides.x.numpy() @ value["linear.weight"].T + value["linear.bias"], 0)]
    layers.append(gen_by_loops(layers[0], edges, value, "layers.0"))
    for i in (1, 2):
        heard = gen_by_loops(layers[-1], edges, value, f"layers.{i}")
        layers.append(
            layers[-1]
            + np.maximum(norm(heard, value[f"norms.{i - 1}.weight"], value[f"norms.{i - 1}.bias"]), 0)
        )
    side_by_side = np.concatenate(layers, 1)
    wanted = np.maximum(side_by_side @ value["phi.weight"].T + value["phi.bias"], 0)
    adjacency = type(slides.adjacency).of(edges, len(slides.x))
    np.testing.assert_allclose(made(slides.x, adjacency).detach().numpy(), wanted, rtol=0, atol=1e-10)


def test_patchgcn_equals_layers_of_pyg_with_the_same_weights():
    slides, made = make_slides(6), encoder(PatchGCN)
    x, edges, side_by_side = torch.relu(made.linear(slides.x)), slides.edge_index, []
    side_by_side.append(x)
    for number, layer in enumerate(made.layers):
        conv = GENConv(8, 8, learn_t=True, norm="layer", bias=True).double()
        conv.mlp.load_state_dict(
            {**{k.replace("3.", "4."): v for k, v in layer.network.state_dict().items()}}
        )
        conv.aggr_module.t.data.fill_(1.7)
        if number == 0:
            x = conv(x, edges)
        else:
            x = DeepGCNLayer(conv, made.norms[number - 1], nn.ReLU(), block="res").eval()(x, edges)
        side_by_side.append(x)
    wanted = torch.relu(made.phi(torch.cat(side_by_side, 1)))
    torch.testing.assert_close(made(slides.x, slides.adjacency), wanted, rtol=0, atol=1e-10)


def test_temperature_is_learned_and_neither_mean_nor_maximum():
    """An implementation by plain graph convolution, whatever it is called, has no such weight."""
    made, slides = encoder(PatchGCN, num_layers=1), make_slides(6)
    found = {}
    for t in (0.0, 1.0, 1e4):
        made.layers[0].temperature.data.fill_(t)
        found[t] = made(slides.x, slides.adjacency)
    assert not torch.allclose(found[1.0], found[0.0])
    assert not torch.allclose(found[1.0], found[1e4])
    made.layers[0].temperature.data.fill_(1.0)
    made(slides.x, slides.adjacency).sum().backward()
    assert made.layers[0].temperature.grad.abs().item() > 1e-6


def test_every_layer_is_read():
    """Dense connections: the output has a direct way to the embedding and to each layer."""
    made, slides = encoder(PatchGCN), make_slides(6)
    assert made.out_channels == 4 * 8
    out = made(slides.x, slides.adjacency)
    for block in range(4):
        with torch.no_grad():
            kept = made.phi.weight.clone()
            made.phi.weight[:, 8 * block : 8 * block + 8] = 0
            assert not torch.allclose(made(slides.x, slides.adjacency), out)
            made.phi.weight.copy_(kept)


def test_deepgraphconv_equals_layers_of_pyg_with_the_same_weights():
    slides, made = make_slides(6), encoder(DeepGraphConv)
    x = slides.x
    for first, second in zip(made.first, made.second, strict=True):
        x = torch.relu(GINConv(nn.Sequential(first, nn.ReLU(), second)).double()(x, slides.edge_index))
    torch.testing.assert_close(made(slides.x, slides.adjacency), x, rtol=0, atol=1e-10)


def test_deepgraphconv_equals_loops():
    slides, made = make_slides(6), encoder(DeepGraphConv)
    value = {name: p.detach().numpy() for name, p in made.named_parameters()}
    h = slides.x.numpy()
    for i in range(3):
        summed = h.copy()
        for u, v in slides.edge_index.T.tolist():
            summed[v] += h[u]
        inner = np.maximum(summed @ value[f"first.{i}.weight"].T + value[f"first.{i}.bias"], 0)
        h = np.maximum(inner @ value[f"second.{i}.weight"].T + value[f"second.{i}.bias"], 0)
    np.testing.assert_allclose(made(slides.x, slides.adjacency).detach(), h, rtol=1e-10, atol=1e-10)


def features(x, places):
    return PatchFeatures("s", x.astype(np.float32), places, patch_size_level0=256, patch_px=256, mpp=0.5)


@pytest.fixture
def patches():
    generator = np.random.default_rng(0)
    cells = generator.permutation(400)[:60]
    places = np.stack([cells % 20, cells // 20], 1).astype(np.int64) * 256
    return generator.normal(size=(60, 6)), places


def edges_of(name, x, places):
    builder = graph_builder(recipe(name, in_channels=6, classes=["a", "b"]))
    return set(map(tuple, to_graph(features(x, places), builder).edge_index.T.tolist()))


def test_latent_edges_join_nearest_features_and_never_ask_coordinates(patches):
    """The published code builds its index on features and asks it for coordinates."""
    x, places = patches
    distance = ((x[:, None] - x[None]) ** 2).sum(-1)
    np.fill_diagonal(distance, np.inf)
    near = {(u, v) for v in range(60) for u in np.argsort(distance[v])[:8].tolist()}
    found = {(u, v) for u, v in edges_of("deepgraphconv", x, places) if u != v}
    assert found == near | {(v, u) for u, v in near}
    moved = edges_of("deepgraphconv", x, places[np.random.default_rng(1).permutation(60)])
    assert {(u, v) for u, v in moved if u != v} == found


def test_patchgcn_joins_places_and_never_asks_features(patches):
    x, places = patches
    assert edges_of("patchgcn", x, places) == edges_of("patchgcn", x[::-1].copy() * 3, places)
    assert edges_of("patchgcn", x, places) != edges_of("deepgraphconv", x, places)


@pytest.mark.parametrize("kind", [PatchGCN, DeepGraphConv])
def test_no_layer_is_refused(kind):
    with pytest.raises(RecipeError, match=r"Encoder '.*': expected at least 1 layer, got 0"):
        kind(6, num_layers=0)
