"""Ordered thresholds: a distribution, in order, and the likelihood of the cumulative link model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from wsigraph.errors import RecipeError
from wsigraph.nn.heads.thresholds import Thresholds


@pytest.fixture
def bent():
    """Thresholds away from their start."""

    def make(classes, seed=0):
        part = Thresholds(classes).double()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in part.parameters():
                p.add_(torch.randn(p.shape, generator=generator, dtype=torch.float64))
        return part

    return make


def cuts(part):
    steps = np.log1p(np.exp(part.steps.detach().numpy()))
    return part.first.item() + np.concatenate([[0.0], steps.cumsum()])


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_equals_differences_of_sigmoids(bent, classes):
    part, score = bent(classes), torch.linspace(-3, 3, 9, dtype=torch.float64).unsqueeze(1)
    got = part(score).exp().detach().numpy()
    for s, row in zip(score[:, 0].tolist(), got, strict=True):
        below = [0.0, *(1 / (1 + math.exp(s - c)) for c in cuts(part)), 1.0]
        assert row == pytest.approx(np.diff(below), abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_softmax_leaves_the_probabilities_as_they_are(bent, classes):
    logits = bent(classes)(torch.linspace(-40, 40, 9, dtype=torch.float64).unsqueeze(1))
    torch.testing.assert_close(logits.softmax(-1), logits.exp(), rtol=1e-10, atol=1e-12)


def test_cross_entropy_is_the_likelihood_of_the_cumulative_link_model(bent):
    """So ordinal regression needs no term of its own."""
    part = bent(4)
    score, target = torch.randn(20, 1, dtype=torch.float64), torch.arange(20) % 4
    wanted = 0.0
    for s, t in zip(score[:, 0].tolist(), target.tolist(), strict=True):
        below = [0.0, *(1 / (1 + math.exp(s - c)) for c in cuts(part)), 1.0]
        wanted -= math.log(below[t + 1] - below[t]) / 20
    assert nn.functional.cross_entropy(part(score), target).item() == pytest.approx(wanted, rel=1e-10)


def test_classes_begin_equally_likely():
    for classes in (2, 3, 7):
        probabilities = Thresholds(classes)(torch.zeros(1, 1)).exp()
        torch.testing.assert_close(probabilities, torch.full((1, classes), 1 / classes))


def test_a_larger_score_is_a_higher_class(bent):
    mean = (
        bent(5)(torch.linspace(-9, 9, 50, dtype=torch.float64).unsqueeze(1)).exp()
        @ torch.arange(5.0).double()
    )
    assert (mean.diff() > 0).all()


def test_far_scores_stay_finite_with_finite_gradients(bent):
    score = torch.tensor([[-1e4], [1e4]], dtype=torch.float64, requires_grad=True)
    logits = bent(7)(score)
    nn.functional.cross_entropy(logits, torch.tensor([6, 0])).backward()
    assert torch.isfinite(logits).all()
    assert score.grad[:, 0].tolist() == pytest.approx([-0.5, 0.5])


def test_fitting_finds_the_thresholds_of_known_shares():
    """Without a score the best thresholds give each class its share."""
    part = Thresholds(3).double()
    target = torch.tensor([0] * 5 + [1] * 2 + [2] * 3)
    optimiser = torch.optim.LBFGS(part.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(part(torch.zeros(10, 1, dtype=torch.float64)), target)
        loss.backward()
        return loss

    optimiser.step(closure)
    assert part(torch.zeros(1, 1).double()).exp()[0].tolist() == pytest.approx([0.5, 0.2, 0.3], abs=1e-4)


def test_gradients(bent):
    part = bent(5)
    assert torch.autograd.gradcheck(part, (torch.randn(4, 1, dtype=torch.float64, requires_grad=True),))


def test_one_class_has_no_order():
    with pytest.raises(RecipeError, match="expected at least 2 classes, got 1"):
        Thresholds(1)
