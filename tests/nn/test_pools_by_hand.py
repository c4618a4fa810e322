"""Gated attention and mean pooling against loops, and standardisation by known numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.errors import GraphError
from wsigraph.nn.aggregators.gated_attention import GatedAttention
from wsigraph.nn.aggregators.mean import Mean
from wsigraph.nn.heads.bag import BagHead
from wsigraph.nn.standardise import Standardise
from wsigraph.testing.slides import make_slides


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def test_gated_attention_equals_loops():
    slides, pool = make_slides(6), GatedAttention(6, hidden_channels=5).double()
    (v, bv), (u, bu), (w, bw) = map(weights, (pool.value, pool.gate, pool.score))
    out = pool(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        x = slides.x[slides.rows(slide)].numpy()
        scores = [
            float((w @ (np.tanh(v @ row + bv) * (1 / (1 + np.exp(-(u @ row + bu))))) + bw)[0]) for row in x
        ]
        a = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(out.attention_logits[slides.rows(slide), 0].detach(), scores, atol=1e-12)
        np.testing.assert_allclose(out.attention[slides.rows(slide), 0].detach(), a, atol=1e-12)
        np.testing.assert_allclose(out.embedding[slide].detach(), (a[:, None] * x).sum(0), atol=1e-12)


def test_mean_equals_numpy():
    slides = make_slides(6)
    out = Mean(6)(slides.x, slides.bags).embedding
    for slide in range(slides.num_graphs):
        np.testing.assert_allclose(out[slide], slides.x[slides.rows(slide)].numpy().mean(0), atol=1e-12)


def test_an_empty_slide_is_named():
    with pytest.raises(
        GraphError, match=r"Mean: expected at least one patch in every slide, got none in slides \[1\]"
    ):
        Mean(2)(torch.ones(3, 2), Bags(torch.tensor([0, 2, 2]), 3))


def test_bag_head_is_linear_without_a_middle():
    slides = make_slides(6)
    head = BagHead(6, 7, aggregator={"name": "mean"}, hidden_channels=0).double()
    pooled = Mean(6)(slides.x, slides.bags).embedding
    w, b = weights(head.classify[-1])
    np.testing.assert_allclose(
        head(slides.x, slides.bags).logits.detach(), pooled.numpy() @ w.T + b, atol=1e-12
    )


def test_standardise_known_values_and_a_constant_channel():
    rule = Standardise(3)
    rule.set_statistics(torch.tensor([1.0, -2.0, 5.0]), torch.tensor([2.0, 0.5, 0.0]))
    out = rule(torch.tensor([[3.0, -2.0, 5.0], [1.0, -1.0, 6.0]]))
    assert out.tolist() == [[1.0, 0.0, 0.0], [0.0, 2.0, 1.0]]


def test_a_channel_constant_up_to_rounding_is_shifted_only():
    rule = Standardise(1)
    rule.set_statistics(torch.tensor([1000.0]), torch.tensor([1e-5]))
    assert rule.std.item() == 1.0


def test_half_precision_features_are_computed_in_single():
    rule = Standardise(2)
    rule.set_statistics(torch.tensor([1000.0, 0.0]), torch.tensor([1e-2, 1.0]))
    out = rule(torch.tensor([[1000.0, 1.0]], dtype=torch.float16))
    assert out.dtype == torch.float32
    assert out.tolist() == [[0.0, 1.0]]


def test_statistics_travel_in_the_state():
    rule = Standardise(2)
    rule.set_statistics(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]))
    twin = Standardise(2)
    twin.load_state_dict(rule.state_dict())
    assert twin.mean.tolist() == [1.0, 2.0]
    assert twin.std.tolist() == [3.0, 4.0]
