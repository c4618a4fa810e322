"""HMIL's encoder and heads against loops, and what a shared scorer means."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.nn.encoders.bottleneck import Bottleneck
from wsigraph.nn.heads.class_attention import ClassAttention
from wsigraph.nn.heads.shared_class_attention import SharedClassAttention
from wsigraph.testing.slides import make_slides


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def test_the_encoder_equals_loops():
    slides, encoder = make_slides(6), Bottleneck(6, hidden_channels=4).double()
    (w1, b1), (w2, b2) = weights(encoder.down), weights(encoder.up[1])
    wanted = [w2 @ np.maximum(w1 @ row + b1, 0) + b2 for row in slides.x.numpy()]
    np.testing.assert_allclose(encoder(slides.x, slides.adjacency).detach(), wanted, atol=1e-10)


@pytest.mark.parametrize("embed_channels", [0, 4])
def test_the_head_equals_loops(embed_channels):
    slides = make_slides(6)
    head = SharedClassAttention(6, 3, embed_channels=embed_channels, hidden_channels=5).double()
    (v, bv), (u, bu) = weights(head.scores.value), weights(head.scores.gate)
    (w, bw), (c, bc) = weights(head.scores.score), weights(head.classify)
    out = head(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        rows = slides.rows(slide)
        x = slides.x[rows].numpy()
        if embed_channels:
            we, be = weights(head.embed)
            x = np.array([we @ row + be for row in x])
        for k in range(3):
            scores = []
            for row in x:
                gated = np.tanh(v @ row + bv) / (1 + np.exp(-(u @ row + bu)))
                scores.append(w[k] @ gated + bw[k])
            a = np.exp(scores) / np.exp(scores).sum()
            z = sum(share * row for share, row in zip(a, x, strict=True))
            np.testing.assert_allclose(out.attention[rows, k].detach(), a, atol=1e-10)
            np.testing.assert_allclose(out.extras["class_embedding"][slide, k].detach(), z, atol=1e-10)
            np.testing.assert_allclose(out.logits[slide, k].detach(), c[0] @ z + bc[0], atol=1e-10)


def test_classes_that_look_alike_score_alike():
    slides, head = make_slides(6), SharedClassAttention(6, 3, hidden_channels=5).double()
    with torch.no_grad():
        head.scores.score.weight[1] = head.scores.score.weight[0]
        head.scores.score.bias[1] = head.scores.score.bias[0] + 7.0  # a softmax does not see it
    logits = head(slides.x, slides.bags).logits
    torch.testing.assert_close(logits[:, 0], logits[:, 1], rtol=0, atol=1e-12)
    assert (logits[0, 0] - logits[0, 2]).abs() > 1e-6


def test_a_slide_of_one_patch_cannot_tell_classes_apart():
    slides = make_slides(6, sizes=(1,))
    logits = SharedClassAttention(6, 3, hidden_channels=5).double()(slides.x, slides.bags).logits
    torch.testing.assert_close(logits, logits[:, :1].expand(-1, 3), rtol=0, atol=1e-12)


def test_with_equal_rows_of_its_classifier_the_head_of_clam_says_the_same():
    slides = make_slides(6)
    shared = SharedClassAttention(6, 3, hidden_channels=5).double()
    clam = ClassAttention(6, 3, hidden_channels=5).double()
    clam.scores.load_state_dict(shared.scores.state_dict())
    with torch.no_grad():
        clam.classify.weight.copy_(shared.classify.weight.expand(3, -1))
        clam.classify.bias.copy_(shared.classify.bias.expand(3))
    one, other = (head(slides.x, slides.bags) for head in (shared, clam))
    torch.testing.assert_close(one.logits, other.logits, rtol=0, atol=1e-12)
    torch.testing.assert_close(one.attention, other.attention, rtol=0, atol=0)
