"""Max and ungated attention against loops; mean and max recipes are linear in pooled features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from wsigraph.data.bags import Bags
from wsigraph.nn.aggregators.attention import Attention
from wsigraph.nn.aggregators.max import Max
from wsigraph.nn.layers.weighted_sums import weighted_sums
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def test_max_equals_numpy():
    slides = make_slides(6)
    out = Max(6)(slides.x - 10.0, slides.bags).embedding  # below 0 throughout: no 0 may slip in
    for slide in range(slides.num_graphs):
        np.testing.assert_array_equal(out[slide], slides.x[slides.rows(slide)].numpy().max(0) - 10.0)


def test_max_sends_its_gradient_to_the_largest_patch_and_shares_it_between_equals():
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0], [2.0, 0.0]], requires_grad=True)
    Max(2)(x, Bags.of_sizes([3])).embedding.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.5], [1.0, 0.5], [0.0, 0.0]]


def test_attention_equals_loops():
    slides, pool = make_slides(6), Attention(6, hidden_channels=5).double()
    (v, bv), (w, bw) = weights(pool.value), weights(pool.score)
    out = pool(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        x = slides.x[slides.rows(slide)].numpy()
        scores = [float((w @ np.tanh(v @ row + bv) + bw)[0]) for row in x]
        a = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(out.attention_logits[slides.rows(slide), 0].detach(), scores, atol=1e-12)
        np.testing.assert_allclose(out.attention[slides.rows(slide), 0].detach(), a, atol=1e-12)
        np.testing.assert_allclose(out.embedding[slide].detach(), (a[:, None] * x).sum(0), atol=1e-12)


def test_weighted_sums_equal_loops():
    slides = make_slides(6)
    share = torch.rand(len(slides.x), 3, dtype=torch.float64)
    out = weighted_sums(share, slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        for column in range(3):
            wanted = sum(share[i, column] * slides.x[i] for i in range(len(slides.x))[slides.rows(slide)])
            np.testing.assert_allclose(out[slide, column], wanted, atol=1e-12)


@pytest.mark.parametrize(("name", "pool"), [("mean_pool", np.mean), ("max_pool", np.max)])
def test_the_recipe_is_a_linear_classifier_of_the_pooled_features(name, pool):
    slides = make_slides(6)
    model = recipe(name, in_channels=6, classes=("a", "b", "c")).build()[0].double().eval()
    model.standardise.set_statistics(torch.full((6,), 0.3), torch.full((6,), 2.0))
    assert sum(p.numel() for p in model.parameters()) == 6 * 3 + 3
    w, b = weights(model.heads["bag"].classify[-1])
    one = slides.one(2)
    logits = model(Data(x=one.x, edge_index=one.edge_index, num_nodes=9)).logits[0]
    pooled = pool((one.x.numpy() - 0.3) / 2.0, axis=0)
    np.testing.assert_allclose(logits.detach(), w @ pooled + b, atol=1e-6)
