"""Class weights and adjusted logits: against NumPy and scikit-learn, and what their optimum decides."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from wsigraph.data.bag_output import BagOutput, HeadOutput
from wsigraph.errors import CohortError, RecipeError
from wsigraph.objectives.base import Sizes, Step
from wsigraph.objectives.class_counts import balanced_weights, count_classes
from wsigraph.objectives.terms.cross_entropy import CrossEntropy
from wsigraph.objectives.terms.logit_adjusted import LogitAdjusted, adjusted
from wsigraph.testing import check_objective
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe

THREE = Sizes(in_channels=6, node_channels=8, num_classes=3)
SEEN = torch.tensor([0] * 12 + [1] * 6 + [2] * 2)
"""Classes of twenty training slides."""


def classified(logits, target):
    """A step in which a head said ``logits``."""
    slides = make_slides(6)
    head = HeadOutput(logits=logits, embedding=logits)
    seen = BagOutput(slides.x, slides.batch, len(logits), slides.adjacency, {"bag": head})
    return Step({"clean": seen}, torch.as_tensor(target), slides.x)


def term(kind, **options):
    made = kind(THREE, **options).double()
    made.see(SEEN)
    return made


def log_softmax(row):
    return row - np.log(np.exp(row).sum())


LOGITS = torch.tensor([[0.3, -1.0, 2.0], [1.5, 0.2, 0.1], [-0.4, 0.9, 0.0], [0.0, 0.0, 1.0]]).double()
TARGET = [2, 0, 1, 1]


@pytest.mark.parametrize(
    ("class_weights", "numbers"),
    [("balanced", [20 / 36, 20 / 18, 20 / 6]), ([0.5, 3.0, 0.0], [0.5, 3.0, 0.0]), ("none", [1.0, 1.0, 1.0])],
)
def test_weighted_cross_entropy_equals_numpy_loops(class_weights, numbers):
    wanted = 0.0
    for row, t in zip(LOGITS.numpy(), TARGET, strict=True):
        wanted -= numbers[t] * log_softmax(row)[t] / len(TARGET)
    value = term(CrossEntropy, class_weights=class_weights)(classified(LOGITS, TARGET))
    assert value.item() == pytest.approx(wanted, rel=1e-7 if isinstance(class_weights, list) else 1e-12)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_balanced_weights_are_those_of_scikit_learn(labels):
    labels = [0, 1, 2, 3, 4, *labels]
    wanted = compute_class_weight("balanced", classes=np.arange(5), y=np.array(labels))
    weights = balanced_weights(count_classes(torch.tensor(labels), 5, where="Test"))
    np.testing.assert_allclose(weights.numpy(), wanted, rtol=1e-14)
    assert weights[labels].mean().item() == pytest.approx(1.0, rel=1e-12)  # on average over slides


def test_a_step_of_one_slide_keeps_its_weight():
    one = classified(LOGITS[:1], TARGET[:1])
    plain = term(CrossEntropy)(one).item()
    assert term(CrossEntropy, class_weights="balanced")(one).item() == pytest.approx(
        plain * 20 / 6, rel=1e-12
    )


def test_a_class_of_weight_zero_teaches_nothing():
    logits = LOGITS.clone().requires_grad_()
    term(CrossEntropy, class_weights=[1, 0, 2])(classified(logits, TARGET)).backward()
    assert (logits.grad[2:] == 0).all()
    assert (logits.grad[:2] != 0).all()


def test_no_weights_are_torch_to_the_bit_and_keep_no_state():
    plain = CrossEntropy(THREE)
    plain.see(SEEN)
    logits = LOGITS.float()
    assert torch.equal(
        plain(classified(logits, TARGET)), torch.nn.functional.cross_entropy(logits, torch.tensor(TARGET))
    )
    assert plain.state_dict() == {}
    assert CrossEntropy(THREE, class_weights=[1, 2, 3]).state_dict() == {}  # the recipe holds them


@pytest.mark.parametrize("tau", [1.0, 0.5, 2])
def test_logit_adjusted_equals_numpy_loops(tau):
    wanted = 0.0
    for row, t in zip(LOGITS.numpy(), TARGET, strict=True):
        raised = np.array([y + tau * np.log(n / 20) for y, n in zip(row, (12, 6, 2), strict=True)])
        wanted -= log_softmax(raised)[t] / len(TARGET)
    value = term(LogitAdjusted, tau=tau)(classified(LOGITS, TARGET))
    assert value.item() == pytest.approx(wanted, rel=1e-12)


def test_logit_adjusted_at_known_values():
    ignorant = classified(torch.zeros(3, 3).double(), [0, 1, 2])
    known = -(np.log(12 / 20) + np.log(6 / 20) + np.log(2 / 20)) / 3  # it says what is frequent
    assert term(LogitAdjusted)(ignorant).item() == pytest.approx(known, rel=1e-12)
    assert term(LogitAdjusted, tau=0.0)(ignorant).item() == pytest.approx(np.log(3), rel=1e-12)
    certain = classified(1e3 * torch.eye(3).double(), [0, 1, 2])
    assert term(LogitAdjusted)(certain).item() == 0.0


COUNTS = np.array([[500, 5, 3], [300, 40, 2], [80, 12, 4], [20, 3, 27]])
"""Slides by what is seen of them (rows: four kinds) and class; joint distribution of a known cohort."""


def learned(made):
    """Logits of each kind that minimise the term over all slides, ``[4, 3]``."""
    kind, target = (
        torch.from_numpy(np.repeat(i, COUNTS.ravel())) for i in np.indices(COUNTS.shape).reshape(2, -1)
    )
    made.see(target)
    table = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    to_the_end = {"max_iter": 500, "tolerance_grad": 1e-10, "tolerance_change": 1e-16}
    search = torch.optim.LBFGS([table], line_search_fn="strong_wolfe", **to_the_end)

    def loss():
        search.zero_grad()
        value = made(classified(table[kind], target))
        value.backward()
        return value

    search.step(loss)
    assert table.grad.abs().max() < 1e-8
    return table.detach().numpy()


def balanced_error(choice):
    of_class = COUNTS / COUNTS.sum(0)
    return 1 - np.mean([sum(of_class[x, y] for x in range(4) if choice[x] == y) for y in range(3)])


def error(choice):
    return 1 - sum(COUNTS[x, choice[x]] for x in range(4)) / COUNTS.sum()


def test_the_optimum_of_each_term_decides_by_its_error():
    """Fisher consistency on a known distribution, against all 81 ways to decide."""
    ways = list(itertools.product(range(3), repeat=4))
    plain, adapted, weighed = (
        learned(made.double())
        for made in (CrossEntropy(THREE), LogitAdjusted(THREE), CrossEntropy(THREE, class_weights="balanced"))
    )
    best = min(map(balanced_error, ways))
    assert balanced_error(adapted.argmax(1)) == pytest.approx(best, abs=1e-12)
    assert balanced_error(weighed.argmax(1)) == pytest.approx(best, abs=1e-12)
    assert balanced_error(plain.argmax(1)) > best + 0.1
    assert error(plain.argmax(1)) == pytest.approx(min(map(error, ways)), abs=1e-12)
    likelihood = np.log(COUNTS / COUNTS.sum(0))  # log P(x | y), up to a constant in each row
    np.testing.assert_allclose(centred(adapted), centred(likelihood), atol=1e-5)
    np.testing.assert_allclose(centred(plain), centred(np.log(COUNTS)), atol=1e-5)


def centred(table):
    return table - table.mean(1, keepdims=True)


@pytest.mark.parametrize("made", [LogitAdjusted(THREE), CrossEntropy(THREE, class_weights="balanced")])
def test_what_was_seen_is_state_and_needed(made):
    step = classified(LOGITS, TARGET)
    with pytest.raises(RecipeError, match=r"expected the classes of the training slides, got none. Call obj"):
        made(step)
    made.see(SEEN)
    assert {name: value.tolist() for name, value in made.state_dict().items()} == {"seen.counts": [12, 6, 2]}
    twin = (
        type(made)(THREE)
        if isinstance(made, LogitAdjusted)
        else CrossEntropy(THREE, class_weights="balanced")
    )
    twin.load_state_dict(made.state_dict())
    assert torch.equal(twin(step), made(step))
    made.see(torch.tensor([0, 1, 2, 2]))
    assert made.seen.counts.tolist() == [1, 1, 2]  # not added to what was seen before


@pytest.mark.parametrize(
    "kind", [partial(CrossEntropy, class_weights="balanced"), partial(LogitAdjusted, tau=2)]
)
def test_terms_meet_the_kit_with_frequencies(kind):
    check_objective(kind)


def test_every_term_of_a_recipe_sees_the_targets():
    settings = {"terms.ce.class_weights": "balanced", "terms.ce_masked.name": "logit_adjusted"}
    method = recipe("srmil", in_channels=6, classes=["a", "b", "c"]).with_settings(settings)
    _, objectives = method.build()
    objectives.see(SEEN)
    for name in ("ce", "ce_masked"):
        assert objectives.terms[name].seen.counts.tolist() == [12, 6, 2]


@pytest.mark.parametrize(
    ("targets", "error", "sentence"),
    [
        (
            [0, 0, 1],
            CohortError,
            "a training slide of every class, got none of class 2 among 3. What is never",
        ),
        ([1, 1], CohortError, "got none of class 0, 2 among 2"),
        ([0, 1, 3], RecipeError, "expected classes from 0 to 2, got class 3"),
        ([0, 1, 2, -1], RecipeError, r"got no class \(below 0\) for 1 of 4 slides, first number 3"),
        ([0.0, 1.5], RecipeError, "expected one class .* got values such as 0.0"),
        ([[0, 1], [1, 0]], RecipeError, r"got targets of shape \[2, 2\]. It weighs classes"),
    ],
)
def test_targets_without_frequencies_are_refused(targets, error, sentence):
    with pytest.raises(error, match=f"Term 'logit_adjusted': .*{sentence}"):
        LogitAdjusted(THREE).see(torch.tensor(targets))
    CrossEntropy(THREE).see(torch.tensor(targets))  # weighs none, asks nothing


@pytest.mark.parametrize(
    "wrong", ["balance", [1, 2], [1, -1, 2], [1, 2, "3"], [0, 0, 0], [1, 2, float("nan")], 3, [True, 1, 2]]
)
def test_class_weights_that_cannot_be(wrong):
    with pytest.raises(RecipeError, match=r"class_weights 'none', 'balanced' or 3 numbers .*got "):
        CrossEntropy(THREE, class_weights=wrong)


@pytest.mark.parametrize("tau", [-1.0, float("inf"), float("nan"), "1", True])
def test_tau_that_cannot_be(tau):
    with pytest.raises(RecipeError, match="Term 'logit_adjusted': expected a finite tau from 0 on, got"):
        LogitAdjusted(THREE, tau=tau)


def test_half_precision_logits_are_adjusted_in_single_precision():
    prior = torch.tensor([0.1, 0.9]).double().log()
    raised = adjusted(torch.tensor([[256.0, 256.0]]).bfloat16(), prior)
    torch.testing.assert_close(raised, 256.0 + prior.float()[None], rtol=0, atol=1e-4)  # not rounded to 2
