"""Binary cross-entropy, squared error and hazards in bins: known values, NumPy loops, gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.objectives.base import Sizes
from wsigraph.objectives.terms.binary_cross_entropy import BinaryCrossEntropy, binary_cross_entropy
from wsigraph.objectives.terms.discrete_time import DiscreteTime, discrete_time_loss
from wsigraph.objectives.terms.mean_squared_error import MeanSquaredError, mean_squared_error

NAN = math.nan
SIZES = Sizes(in_channels=6, node_channels=8, num_classes=3)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


LABELS = torch.tensor([[1.0, 0.0, NAN], [NAN, NAN, 1.0], [0.0, 1.0, 1.0], [NAN, NAN, NAN]])


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def test_binary_cross_entropy_equals_loops_over_known_labels():
    logits = draw(4, 3)
    total = 0.0
    for row, labels in zip(logits.tolist(), LABELS.tolist(), strict=True):
        known = [(y, t) for y, t in zip(row, labels, strict=True) if not math.isnan(t)]
        losses = [-math.log(sigmoid(y) if t else 1 - sigmoid(y)) for y, t in known]
        total += sum(losses) / len(losses) if losses else 0.0
    assert binary_cross_entropy(logits, LABELS.double()).item() == pytest.approx(total / 4, rel=1e-12)


def test_binary_cross_entropy_knows_its_optimum_and_ignorance():
    sure = torch.where(LABELS == 1.0, 1e3, -1e3)
    assert binary_cross_entropy(sure, LABELS).item() == 0.0
    assert binary_cross_entropy(torch.zeros(3, 3), LABELS[:3]).item() == pytest.approx(math.log(2))
    assert binary_cross_entropy(-sure, LABELS).item() == pytest.approx(
        1e3 * 3 / 4
    )  # finite where log 0 is not


def test_unknown_entries_have_no_gradient():
    for loss in (binary_cross_entropy, mean_squared_error):
        logits = draw(4, 3).requires_grad_()
        loss(logits, LABELS.double()).backward()
        assert ((logits.grad == 0) == LABELS.isnan()).all()


def test_squared_error_equals_loops_over_known_numbers():
    values, target = draw(3, 2), torch.tensor([[1.0, NAN], [NAN, NAN], [-2.0, 0.5]], dtype=torch.float64)
    v = values.numpy()
    wanted = ((v[0, 0] - 1) ** 2 + 0 + ((v[2, 0] + 2) ** 2 + (v[2, 1] - 0.5) ** 2) / 2) / 3
    assert mean_squared_error(values, target).item() == pytest.approx(wanted, rel=1e-12)
    assert mean_squared_error(target.nan_to_num(7.0), target).item() == 0.0


def hazards_by_loops(logits, survived, event):
    losses = []
    for row, s, e in zip(logits.tolist(), survived.tolist(), event.tolist(), strict=True):
        chance = 1.0
        for k in range(int(s)):
            chance *= 1 - sigmoid(row[k])
        if e:
            chance *= sigmoid(row[int(s)])
        losses.append(-math.log(chance))
    return np.mean(losses)


def test_hazards_equal_loops_over_bins():
    logits = draw(6, 3)
    survived, event = torch.tensor([0.0, 1, 2, 0, 2, 3]), torch.tensor([1.0, 1, 1, 0, 0, 0])
    got = discrete_time_loss(logits, survived, event).item()
    assert got == pytest.approx(hazards_by_loops(logits, survived, event), rel=1e-12)


def test_hazards_know_their_optimum_and_ignorance():
    survived, event = torch.tensor([0.0, 1, 3]), torch.tensor([1.0, 1, 0])
    right = torch.tensor([[1e3, 0, 0], [-1e3, 1e3, 0], [-1e3, -1e3, -1e3]])
    assert discrete_time_loss(right, survived, event).item() == 0.0
    assert discrete_time_loss(torch.zeros(3, 3), survived, event).item() == pytest.approx(2 * math.log(2))


def test_the_best_hazard_of_a_bin_is_the_share_of_those_at_risk():
    """Minimising over one logit per bin gives the life table: events over slides at risk."""
    survived, event = torch.tensor([0.0, 0, 1, 1, 2, 2]), torch.tensor([1.0, 0, 1, 1, 0, 1])
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = discrete_time_loss(logits.expand(6, 3), survived, event)
        loss.backward()
        return loss

    optimiser.step(closure)
    # 5 slides go through bin 1 (one fails at once, one is censored unseen), 4 through bin 2 ...
    wanted = [1 / 5, 2 / 4, 1 / 1]
    assert logits.sigmoid()[:2].tolist() == pytest.approx(wanted[:2], abs=1e-6)
    assert logits.sigmoid()[2].item() > 0.999


@pytest.mark.parametrize("term", [BinaryCrossEntropy, MeanSquaredError, DiscreteTime])
def test_gradients(term):
    part = term(SIZES)
    target = part.example_target(4, 3)
    assert torch.autograd.gradcheck(lambda y: part.loss(y, target), (draw(4, 3).requires_grad_(),))


@pytest.mark.parametrize("term", [BinaryCrossEntropy, MeanSquaredError, DiscreteTime])
def test_classes_are_no_rows(term):
    with pytest.raises(RecipeError, match=r"expected a target of shape \[4, [23]\], got \[4\]"):
        term(SIZES).loss(draw(4, 3), torch.arange(4))


def test_half_precision_logits_give_a_loss_in_single():
    logits = draw(4, 3).bfloat16()
    assert binary_cross_entropy(logits, LABELS).dtype == torch.float32
    assert discrete_time_loss(logits, torch.zeros(4), torch.ones(4)).dtype == torch.float32
