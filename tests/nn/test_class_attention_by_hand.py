"""CLAM's multi-branch head against loops: each class pools and scores by itself."""

from __future__ import annotations

import numpy as np
import torch

from wsigraph.nn.aggregators.gated_attention import GatedAttention
from wsigraph.nn.heads.class_attention import ClassAttention
from wsigraph.testing.slides import make_slides


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def test_equals_loops():
    slides, head = make_slides(6), ClassAttention(6, 3, hidden_channels=5).double()
    (v, bv), (u, bu) = weights(head.scores.value), weights(head.scores.gate)
    (w, bw), (c, bc) = weights(head.scores.score), weights(head.classify)
    out = head(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        rows = slides.rows(slide)
        x = slides.x[rows].numpy()
        for k in range(3):
            scores = []
            for row in x:
                gated = np.tanh(v @ row + bv) / (1 + np.exp(-(u @ row + bu)))
                scores.append(w[k] @ gated + bw[k])
            a = np.exp(scores) / np.exp(scores).sum()
            z = sum(share * row for share, row in zip(a, x, strict=True))
            np.testing.assert_allclose(out.attention_logits[rows, k].detach(), scores, atol=1e-10)
            np.testing.assert_allclose(out.attention[rows, k].detach(), a, atol=1e-10)
            np.testing.assert_allclose(out.extras["class_embedding"][slide, k].detach(), z, atol=1e-10)
            np.testing.assert_allclose(out.logits[slide, k].detach(), c[k] @ z + bc[k], atol=1e-10)
    np.testing.assert_allclose(
        out.embedding.detach(), out.extras["class_embedding"].mean(1).detach(), atol=1e-12
    )


def test_a_class_hears_nothing_of_the_others():
    slides, head = make_slides(6), ClassAttention(6, 3, hidden_channels=5).double()
    out = head(slides.x, slides.bags)
    out.logits[:, 1].sum().backward()
    assert (head.classify.weight.grad[[0, 2]] == 0).all()
    assert (head.scores.score.weight.grad[[0, 2]] == 0).all()
    assert (head.classify.weight.grad[1] != 0).any()
    assert (head.scores.score.weight.grad[1] != 0).any()


def test_one_class_alone_is_gated_attention():
    slides, head = make_slides(6), ClassAttention(6, 1, hidden_channels=5).double()
    pool = GatedAttention(6, hidden_channels=5).double()
    pool.load_state_dict(head.scores.state_dict())
    torch.testing.assert_close(
        head(slides.x, slides.bags).embedding, pool(slides.x, slides.bags).embedding, rtol=0, atol=1e-12
    )
