"""Contrastive steps: no slide alone in its class, every slide seen, steps as full as the rule allows."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, RecipeError
from wsigraph.training.samplers.contrastive import Contrastive


def dealt(sizes, *, size, positives=2, epoch=0):
    """Classes of the slides, and the steps of an epoch."""
    classes = [c for c, n in enumerate(sizes) for _ in range(n)]
    sampler = Contrastive(size, positives=positives)
    return classes, sampler.steps(torch.tensor(classes), seed=0, epoch=epoch)


@given(
    sizes=st.lists(st.integers(1, 20), min_size=2, max_size=7),
    positives=st.integers(2, 4),
    more=st.integers(0, 20),
    epoch=st.integers(0, 30),
)
@settings(max_examples=200, deadline=None)
def test_properties_of_an_epoch(sizes, positives, more, epoch):
    size = 2 * positives + more
    classes, steps = dealt(sizes, size=size, positives=positives, epoch=epoch)
    assert {slide for step in steps for slide in step} == set(range(len(classes)))  # every slide is seen
    for step in steps:
        assert len(set(step)) == len(step) <= size
        present = Counter(classes[slide] for slide in step)
        assert all(count >= min(positives, sizes[c]) for c, count in present.items())
        room = size - len(step)
        if room:  # nothing is left that would fit
            assert all(count == sizes[c] for c, count in present.items())
            assert all(min(positives, n) > room for c, n in enumerate(sizes) if c not in present)


@given(
    groups=st.lists(st.integers(1, 8), min_size=2, max_size=5),
    positives=st.integers(2, 3),
    per_step=st.integers(2, 5),
)
@settings(max_examples=60, deadline=None)
def test_every_slide_once_where_groups_divide_classes_and_steps(groups, positives, per_step):
    groups[0] += -sum(groups) % per_step
    classes, steps = dealt([positives * g for g in groups], size=positives * per_step, positives=positives)
    assert sorted(slide for step in steps for slide in step) == list(range(len(classes)))
    assert {len(step) for step in steps} == {positives * per_step}


def test_steps_have_the_classes_of_the_cohort():
    classes, steps = dealt([40, 20, 20], size=16)
    assert len(steps) == 5
    for step in steps:
        assert Counter(classes[slide] for slide in step) == {0: 8, 1: 4, 2: 4}


def test_a_class_of_one_slide_stands_alone_and_is_seen():
    classes, steps = dealt([9, 8, 1], size=6)
    holding = [step for step in steps if 17 in step]
    assert holding
    for step in holding:
        assert Counter(classes[slide] for slide in step)[2] == 1
        assert len(step) == 6


def test_a_class_of_fewer_than_the_positives_stands_together():
    for epoch in range(20):
        _, steps = dealt([9, 2, 8], size=8, positives=3, epoch=epoch)
        assert all((9 in step) == (10 in step) for step in steps)


def test_a_cohort_smaller_than_a_step_is_one_step_of_all():
    _, steps = dealt([3, 2, 1], size=64)
    assert [sorted(step) for step in steps] == [list(range(6))]


def test_who_stands_together_changes_between_epochs():
    together = {
        (a, b)
        for epoch in range(30)
        for step in dealt([6, 6], size=4, epoch=epoch)[1]
        for a in step
        for b in step
        if a < b <= 5
    }
    assert together == {(a, b) for a in range(6) for b in range(a + 1, 6)}


@pytest.mark.parametrize(
    ("size", "positives", "sentence"),
    [
        (1, 2, r"slides_per_step of at least 4 \(two classes, 2 slides of each\), got 1. Set sampler"),
        (5, 3, "slides_per_step of at least 6 .*got 5"),
        (8, 1, "positives of at least 2 .*got 1"),
        (8, 2.5, "positives of at least 2 .*got 2.5"),
        (8, "2", "positives of at least 2 .*got 2"),
    ],
)
def test_steps_too_small_for_two_classes_are_refused(size, positives, sentence):
    with pytest.raises(RecipeError, match=f"Sampler 'contrastive': expected {sentence}"):
        Contrastive(size, positives=positives)


def test_one_class_is_refused():
    with pytest.raises(
        CohortError, match="Sampler 'contrastive': expected training slides of at least 2 classes"
    ):
        Contrastive(4).steps(torch.zeros(5, dtype=torch.long), seed=0, epoch=0)


def test_targets_that_are_no_classes_are_refused():
    with pytest.raises(RecipeError, match=r"Sampler 'contrastive': expected one class .* got values such as"):
        Contrastive(4).steps(torch.rand(8), seed=0, epoch=0)
