"""What the log says of validation slides: the task's own loss over all of them, and a score."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from wsigraph.objectives.terms.cox import cox_loss
from wsigraph.objectives.terms.discrete_time import discrete_time_loss
from wsigraph.training.recipe import recipe
from wsigraph.training.validation import validation_scores


def scores_of(task, classes=(), changes=None):
    method = recipe("abmil", in_channels=4, classes=classes, task=task).with_settings(changes or {})
    return validation_scores(method, method.build()[1])


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


TIMES = torch.tensor([[3.0, 1.0], [3.0, 1.0], [5.0, 0.0], [1.0, 1.0], [4.0, 1.0]])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_compares_all_slides_by_the_recipes_own_term(ties):
    logits = draw(5, 1)
    found = scores_of("cox", changes={"terms.ce.ties": ties})(logits, TIMES)
    assert found["val_loss"] == cox_loss(logits[:, 0], TIMES[:, 0], TIMES[:, 1], ties=ties).item()
    order = scores_of("cox")(-TIMES[:, :1], TIMES)
    assert order["val_concordance"] == 1.0


def test_bins_are_read_as_training_reads_them():
    task = {"name": "discrete_time", "num_bins": 2, "ends": [2.0, 6.0]}
    logits = draw(5, 2)
    found = scores_of(task)(logits, TIMES)
    survived = torch.tensor([1.0, 1.0, 2.0, 0.0, 1.0])
    assert found["val_loss"] == pytest.approx(discrete_time_loss(logits, survived, TIMES[:, 1]).item())
    assert 0 <= found["val_concordance"] <= 1


def test_numbers_are_compared_on_the_scale_of_the_training_slides():
    task = {"name": "regression", "mean": [10.0], "std": [2.0]}
    found = scores_of(task, ["v"])(torch.tensor([[0.0], [1.0]]), torch.tensor([[10.0], [16.0]]))
    assert found["val_loss"] == pytest.approx((0 + (1 - 3) ** 2) / 2)
    assert found["val_r2"] == pytest.approx(1 - (12 - 16) ** 2 / (9 + 9))


def test_labels_are_scored_where_they_are_known():
    logits, target = draw(4, 2), torch.tensor([[1.0, math.nan], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    found = scores_of("multilabel", ["a", "b"])(logits, target)
    each = nn.functional.binary_cross_entropy_with_logits(logits, target.nan_to_num(), reduction="none")
    each[0, 1] = each[0, 0]  # its only known label
    assert found["val_loss"] == pytest.approx(each.mean(1).mean().item())
    assert 0 <= found["val_auc"] <= 1


def test_ordered_classes_are_scored_as_classes():
    target, probabilities = torch.tensor([0, 2, 1]), draw(3, 3).softmax(1)
    found = scores_of("ordinal", ["0", "1", "2"])(probabilities.log(), target)
    wanted = -probabilities[torch.arange(3), target].log().mean()
    assert found["val_loss"] == pytest.approx(wanted.item(), rel=1e-5)
    assert set(found) == {"val_loss", "val_accuracy", "val_auc", "val_accuracy_auc"}
