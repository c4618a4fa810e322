"""GTP's pool against NumPy loops, with few patches, and its losses in the total."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.errors import RecipeError
from wsigraph.nn.aggregators.gtp import GTP
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.terms.min_cut import MinCut
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe


def norm(x, layer):
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + layer.eps) * w + b


def linear(x, layer):
    out = x @ layer.weight.detach().numpy().T
    return out if layer.bias is None else out + layer.bias.detach().numpy()


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def block(tokens, layer):
    """One transformer block, head by head."""
    q, k, v = np.split(linear(norm(tokens, layer.attention_norm), layer.packed), 3, axis=1)
    d = q.shape[1] // layer.heads
    heads = []
    for i in range(layer.heads):
        part = slice(i * d, (i + 1) * d)
        heads.append(softmax(q[:, part] @ k[:, part].T / math.sqrt(d)) @ v[:, part])
    tokens = tokens + linear(np.concatenate(heads, 1), layer.after[0])
    middle = linear(norm(tokens, layer.mlp[0]), layer.mlp[1])
    gelu = middle * 0.5 * (1 + np.vectorize(math.erf)(middle / math.sqrt(2)))
    return tokens + linear(gelu, layer.mlp[4])


def by_hand(pool, one):
    n = len(one.x)
    edges = one.edge_index.T.tolist()
    degree = [sum(v == i for _, v in edges) for i in range(n)]
    heard = np.zeros((n, one.x.shape[1]))
    for u, v in edges:
        heard[v] += one.x[u].numpy() / math.sqrt(degree[u] * degree[v])
    h = heard @ pool.conv.project.weight.detach().numpy().T + pool.conv.bias.detach().numpy()
    h = np.maximum(norm(h, pool.norm), 0)
    s = softmax(linear(h, pool.members))
    tokens = np.concatenate([pool.token[0].detach().numpy(), s.T @ h])
    for layer in pool.transformer[:-1]:
        tokens = block(tokens, layer)
    return norm(tokens, pool.transformer[-1])[0]


@pytest.mark.parametrize("clusters", [3, 20])  # 20: more than any slide has patches
def test_equals_loops(clusters):
    slides = make_slides(6)
    pool = GTP(6, hidden_channels=8, clusters=clusters, heads=2, num_layers=2).double()
    torch.nn.init.normal_(pool.token)
    out = pool(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        wanted = by_hand(pool, slides.one(slide))
        np.testing.assert_allclose(out.embedding[slide].detach(), wanted, atol=1e-10)


def test_clusters_hear_where_patches_lie():
    """The same patches on another graph are another slide, also when each patch keeps its degree."""
    one = make_slides(6, sizes=(8,))
    pool = GTP(6, hidden_channels=8, clusters=3, heads=2).double()
    other = one.shuffled(torch.tensor([3, 1, 2, 0, 4, 5, 6, 7]))
    moved = pool(one.x, other.bags).embedding  # edges move, features stay
    assert (moved - pool(one.x, one.bags).embedding).abs().max() > 1e-6


def test_heads_must_divide_the_width():
    with pytest.raises(RecipeError, match="heads that divide its 12 channels, got 8"):
        GTP(6, hidden_channels=12)


def test_the_term_is_the_mean_of_both_losses():
    slides = make_slides(6)
    extras = {
        "min_cut": torch.tensor([-1.0, 0, -0.5, -0.5]),
        "orthogonality": torch.tensor([0.0, 1, 0.25, 0]),
    }
    head = HeadOutput(torch.zeros(4, 2), torch.zeros(4, 3), extras=extras)
    seen = BagOutput(slides.x, slides.batch, 4, slides.adjacency, {"bag": head})
    value = MinCut(Sizes(6, 8, 2))(Step({"clean": seen}, torch.zeros(4, dtype=torch.long), slides.x))
    assert value.item() == pytest.approx(-0.1875)


def test_the_losses_are_in_the_total_and_reach_the_clusters():
    slides = make_slides(6, sizes=(30,))
    graph = Data(x=slides.x.float(), edge_index=slides.edge_index, num_nodes=30)
    model, objectives = recipe("gtp", in_channels=6, classes=("a", "b")).build()
    model.eval()
    loss = objectives(model, graph, target=torch.tensor([1]))
    extras = loss.views["clean"].head("bag").extras
    wanted = loss.terms["ce"] + extras["min_cut"][0] + extras["orthogonality"][0]
    torch.testing.assert_close(loss.total, wanted)
    grad = torch.autograd.grad(loss.terms["min_cut"], model.heads["bag"].aggregator.members.weight)[0]
    assert grad.abs().max() > 0


def test_learns_three_made_up_slides():
    slides = make_slides(6, sizes=(30, 30, 30))
    graphs = [Data(x=slides.one(i).x.float(), edge_index=slides.one(i).edge_index) for i in range(3)]
    model, objectives = recipe("gtp", in_channels=6, classes=("a", "b", "c")).build()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    torch.manual_seed(0)  # dropout
    first, last = [], []
    for step in range(30):
        loss = objectives(model, graphs[step % 3], target=torch.tensor([step % 3]))
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
        (first if step < 3 else last).append(loss.terms["ce"].item())
    assert np.mean(last[-3:]) < 0.5 * np.mean(first)
