"""Ranking and the highest patch against loops, by hand, at the optimum and at the corners."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.errors import GraphError, RecipeError
from wsigraph.objectives.max_instance import max_instance
from wsigraph.objectives.node_scores import class_logit, top_mean
from wsigraph.objectives.ranking import ranking

SIZES = (30, 4, 1, 12)
BATCH = torch.repeat_interleave(torch.arange(4), torch.tensor(SIZES))
POSITIVE = torch.tensor([True, False, False, True])


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slides_of(values):
    return np.split(values.numpy(), np.cumsum(SIZES)[:-1])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("scale", ["probabilities", "logits"])
@pytest.mark.parametrize("k", [1, 3, 10, 99])
def test_ranking_is_the_equation(scale, k):
    logits = 2 * draw(sum(SIZES))
    scores = [sigmoid(s) if scale == "probabilities" else s for s in slides_of(logits)]
    means = [np.mean(sorted(s, reverse=True)[:k]) for s in scores]
    gaps = [max(0.0, 0.7 - means[p] + means[n]) for p in (0, 3) for n in (1, 2)]
    got = ranking(logits, BATCH, POSITIVE, k=k, margin=0.7, scale=scale).item()
    assert got == pytest.approx(np.mean(gaps), rel=1e-12)


def test_two_slides_by_hand():
    logits = torch.tensor([math.log(9), 0.0, -math.log(4), 0.0, -math.log(9)], dtype=torch.float64)
    batch = torch.tensor([0, 0, 0, 1, 1])  # probabilities .9 .5 .2 | .5 .1
    positive = torch.tensor([True, False])
    assert ranking(logits, batch, positive, k=2).item() == pytest.approx(1 - 0.7 + 0.3)
    assert ranking(logits, batch, ~positive, k=1).item() == pytest.approx(1 - 0.5 + 0.9)
    on_logits = ranking(logits, batch, positive, k=1, scale="logits").item()
    assert on_logits == 0.0  # log 9 is more than 1 above 0: the margin is met, though .5 is no low score


def test_it_is_zero_at_the_optimum_and_only_there():
    sure = torch.where(POSITIVE[BATCH], 1e3, -1e3).double()
    assert ranking(sure, BATCH, POSITIVE).item() == 0.0
    ten = torch.full((sum(SIZES),), -1e3, dtype=torch.float64)
    for slide in (0, 3):
        ten[torch.nonzero(slide == BATCH)[:10, 0]] = 1e3
    assert ranking(ten, BATCH, POSITIVE).item() == 0.0  # ten patches are enough
    assert ranking(ten, BATCH, POSITIVE, k=11).item() == pytest.approx(1 - 10 / 11)
    assert ranking(-sure, BATCH, POSITIVE).item() == 2.0
    assert ranking(0 * sure, BATCH, POSITIVE).item() == 1.0


def test_only_the_top_patches_learn():
    logits = draw(sum(SIZES)).requires_grad_()
    ranking(logits, BATCH, POSITIVE, k=5).backward()
    for slide, grad in enumerate(np.split(logits.grad.numpy(), np.cumsum(SIZES)[:-1])):
        assert (grad != 0).sum() == min(5, SIZES[slide])
        assert (grad[grad != 0] < 0).all() == bool(POSITIVE[slide])


@pytest.mark.parametrize("positive", [torch.ones(4).bool(), torch.zeros(4).bool()])
def test_one_kind_of_slide_alone_is_zero_with_a_zero_gradient(positive):
    logits = draw(sum(SIZES)).requires_grad_()
    value = ranking(logits, BATCH, positive)
    value.backward()
    assert value.item() == 0.0
    assert (logits.grad == 0).all()


def test_order_of_patches_does_not_matter():
    logits, order = draw(sum(SIZES)), torch.randperm(sum(SIZES), generator=torch.Generator().manual_seed(1))
    plain = ranking(logits, BATCH, POSITIVE, k=3).item()
    assert ranking(logits[order], BATCH[order], POSITIVE, k=3).item() == pytest.approx(plain, rel=1e-12)


def test_max_instance_is_the_equation():
    logits, target = draw(sum(SIZES), 3), torch.tensor([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 0]])
    terms = [
        -math.log(sigmoid(max(column[rows])) if target[b, c] else 1 - sigmoid(max(column[rows])))
        for b in range(4)
        for rows in [(b == BATCH).numpy()]
        for c, column in enumerate(logits.numpy().T)
    ]
    assert max_instance(logits, BATCH, target).item() == pytest.approx(np.mean(terms), rel=1e-12)


def test_max_instance_at_known_values():
    target = POSITIVE.long().unsqueeze(1)
    assert max_instance(torch.zeros(len(BATCH), 1), BATCH, target).item() == pytest.approx(math.log(2))
    one_each = torch.full((len(BATCH), 1), -1e3)
    one_each[[7, 40]] = 1e3  # a single patch of each positive slide
    assert max_instance(one_each, BATCH, target).item() == 0.0


def test_one_patch_per_slide_and_class_learns():
    logits = draw(sum(SIZES), 2).requires_grad_()
    max_instance(logits, BATCH, torch.tensor([[1, 0], [0, 1], [0, 0], [1, 1]])).backward()
    for slide in range(4):
        rows = torch.nonzero(slide == BATCH)[:, 0]
        best = logits[rows].argmax(0)
        assert ((logits.grad[rows] != 0).sum(0) == 1).all()
        assert (logits.grad[rows[best], torch.arange(2)] != 0).all()


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_log_odds_belong_to_the_softmax(classes):
    y = 3 * draw(20, classes)
    for c in range(classes):
        p = class_logit(y, c).sigmoid().numpy()
        wanted = (
            np.exp(y.numpy()[:, c]) / np.exp(y.numpy()).sum(1) if classes > 1 else sigmoid(y.numpy()[:, 0])
        )
        np.testing.assert_allclose(p, wanted, rtol=1e-12)


def test_gradients_are_those_of_the_losses():
    y, positive = draw(sum(SIZES), 3).requires_grad_(), torch.tensor([True, False, False, True])
    check = torch.autograd.gradcheck
    for scale in ("probabilities", "logits"):
        assert check(lambda y, s=scale: ranking(class_logit(y, 1), BATCH, positive, k=3, scale=s), (y,))
    assert check(lambda y: max_instance(y, BATCH, torch.eye(4)[:, :3]), (y,))


def test_what_cannot_be_is_refused():
    with pytest.raises(GraphError, match="Slide 4 of the batch: expected at least one patch"):
        top_mean(draw(sum(SIZES)), BATCH, 5, k=3)
    with pytest.raises(RecipeError, match="k of at least 1, got 0"):
        ranking(draw(sum(SIZES)), BATCH, POSITIVE, k=0)
    with pytest.raises(RecipeError, match="'probabilities' or 'logits', got 'odds'"):
        ranking(draw(sum(SIZES)), BATCH, POSITIVE, scale="odds")
    with pytest.raises(RecipeError, match="a class below 2, got 2"):
        class_logit(draw(3, 2), 2)
