"""ACMIL against loops, and what is hidden while training."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.bags import Bags
from wsigraph.errors import RecipeError
from wsigraph.nn.heads.acmil import ACMIL
from wsigraph.nn.layers.drop_top import drop_top
from wsigraph.testing.slides import make_slides


def weights(layer):
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def test_equals_loops():
    slides, head = make_slides(6), ACMIL(6, 3, branches=2, hidden_channels=5).double().eval()
    (v, bv), (u, bu), (w, bw) = map(weights, (head.scores.value, head.scores.gate, head.scores.score))
    out = head(slides.x, slides.bags)
    for slide in range(slides.num_graphs):
        rows = slides.rows(slide)
        x = slides.x[rows].numpy()
        attention = []
        for m in range(2):
            gated = [np.tanh(v @ row + bv) / (1 + np.exp(-(u @ row + bu))) for row in x]
            scores = np.array([w[m] @ g + bw[m] for g in gated])
            attention.append(np.exp(scores) / np.exp(scores).sum())
            z = sum(share * row for share, row in zip(attention[m], x, strict=True))
            wm, bm = weights(head.branches[m])
            np.testing.assert_allclose(out.attention[rows, m].detach(), attention[m], atol=1e-10)
            np.testing.assert_allclose(
                out.extras["branch_logits"][slide, m].detach(), wm @ z + bm, atol=1e-10
            )
        mean = np.mean(attention, 0)
        whole = sum(share * row for share, row in zip(mean, x, strict=True))
        wc, bc = weights(head.classify)
        np.testing.assert_allclose(out.embedding[slide].detach(), whole, atol=1e-10)
        np.testing.assert_allclose(out.logits[slide].detach(), wc @ whole + bc, atol=1e-10)


def test_hides_six_of_the_ten_highest_of_each_branch_and_slide():
    torch.manual_seed(0)
    bags = Bags.of_sizes([40, 25])
    scores = torch.randn(65, 5)
    left = drop_top(scores, bags, k=10, share=0.6)
    hidden = left == torch.finfo(torch.float32).min
    for mine, gone in zip(bags.split(scores), bags.split(hidden), strict=True):
        for column in range(5):
            tenth = mine[:, column].sort(descending=True).values[9]
            assert int(gone[:, column].sum()) == 6
            assert (mine[gone[:, column], column] >= tenth).all()
    assert torch.equal(left[~hidden], scores[~hidden])
    assert len({tuple(column.nonzero()[:, 0].tolist()) for column in hidden.T}) == 5  # each draws its own


def test_every_candidate_is_as_likely_to_be_hidden_as_any_other():
    torch.manual_seed(0)
    scores = torch.arange(20.0).unsqueeze(1)
    drawn = [drop_top(scores, Bags.of_sizes([20]), k=10, share=0.6) < -1e30 for _ in range(2000)]
    often = torch.stack(drawn).float().mean(0)[:, 0]
    assert (often[:10] == 0).all()
    assert (often[10:] - 0.6).abs().max() < 0.05  # 4.5 standard deviations of 2000 draws


@pytest.mark.parametrize(("size", "hidden"), [(1, 0), (2, 1), (5, 3), (10, 6), (11, 6)])
def test_small_slides_keep_at_least_one_patch(size, hidden):
    left = drop_top(torch.randn(size, 3), Bags.of_sizes([size]), k=10, share=0.6)
    assert ((left < -1e30).sum(0) == hidden).all()


def test_hidden_patches_have_no_attention_and_no_gradient_and_the_rest_share_it():
    torch.manual_seed(0)
    head = ACMIL(6, 2, branches=3, hidden_channels=5, top=4, top_dropped=0.5).double()
    slides = make_slides(6)
    x = slides.x.clone().requires_grad_()
    out = head(x, slides.bags)
    hidden = out.attention == 0
    assert hidden.sum(0).tolist() == [2 + 2 + 1] * 3  # of 5, 1, 9 and 3 patches: 2, 0, 2 and 1
    total = slides.bags.sum(out.attention)
    torch.testing.assert_close(total, torch.ones_like(total))
    (grad,) = torch.autograd.grad(out.logits.sum(), x)
    everywhere = hidden.all(1)
    assert (grad[everywhere] == 0).all()
    assert torch.isfinite(grad).all()


def test_nothing_is_hidden_or_drawn_in_evaluation():
    slides, head = make_slides(6), ACMIL(6, 2).double().eval()
    before = torch.get_rng_state()
    out = head(slides.x, slides.bags)
    assert torch.equal(before, torch.get_rng_state())
    assert (out.attention > 0).all()


def test_a_share_that_leaves_nothing_is_refused():
    with pytest.raises(RecipeError, match="Head 'acmil': expected at least 1 branch"):
        ACMIL(6, 2, top_dropped=1.0)
