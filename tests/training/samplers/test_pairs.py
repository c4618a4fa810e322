"""Pairs: one slide of a class and one that is not, c in turn, every slide seen."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, RecipeError
from wsigraph.training.samplers.pairs import Pairs

SIZES = st.lists(st.integers(1, 15), min_size=2, max_size=6)


def paired(sizes, *, epoch=0):
    """Classes of the slides, and the pairs of an epoch."""
    classes = [c for c, n in enumerate(sizes) for _ in range(n)]
    return classes, Pairs(2).steps(torch.tensor(classes), seed=0, epoch=epoch)


@given(sizes=SIZES, epoch=st.integers(0, 30))
@settings(max_examples=120, deadline=None)
def test_properties_of_an_epoch(sizes, epoch):
    classes, pairs = paired(sizes, epoch=epoch)
    assert all(len(pair) == 2 and classes[pair[0]] != classes[pair[1]] for pair in pairs)
    assert {slide for pair in pairs for slide in pair} == set(range(len(classes)))  # every slide is seen
    turns = [1] if len(sizes) == 2 else list(range(len(sizes)))
    assert [classes[first] for first, _ in pairs] == turns * max(sizes)  # c is dealt in turn
    for c in turns:
        firsts = Counter(first for first, _ in pairs if classes[first] == c)
        seconds = Counter(second for first, second in pairs if classes[first] == c)
        for times, group in ((firsts, {c}), (seconds, set(range(len(sizes))) - {c})):
            often = [times[slide] for slide, of in enumerate(classes) if of in group]
            assert max(often) - min(often) <= 1


@given(positive=st.integers(1, 20), negative=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_of_two_classes_the_later_comes_first_and_the_larger_sets_the_length(positive, negative):
    classes, pairs = paired([negative, positive])
    assert all((classes[a], classes[b]) == (1, 0) for a, b in pairs)
    assert len(pairs) == max(positive, negative)


def test_classes_need_not_be_numbered_through():
    pairs = Pairs(2).steps(torch.tensor([4, 4, 2]), seed=0, epoch=0)
    assert sorted(pairs) == [[0, 2], [1, 2]]


@pytest.mark.parametrize("sizes", [[4, 4, 4], [6, 2, 2], [20, 15, 1]])
def test_seconds_are_of_all_other_classes(sizes):
    seconds = Counter()
    for epoch in range(60):
        classes, pairs = paired(sizes, epoch=epoch)
        seconds.update((classes[a], classes[b]) for a, b in pairs)
    assert set(seconds) == {(a, b) for a in range(3) for b in range(3) if a != b}


def test_pairs_change_between_epochs_in_who_meets_whom():
    met = {tuple(pair) for epoch in range(40) for pair in paired([3, 3], epoch=epoch)[1]}
    assert met == {(p, n) for p in (3, 4, 5) for n in (0, 1, 2)}


def test_one_class_is_refused():
    with pytest.raises(
        CohortError,
        match=r"Sampler 'pairs': expected training slides of at least 2 classes, got 5, all of class 1",
    ):
        Pairs(2).steps(torch.ones(5, dtype=torch.long), seed=0, epoch=0)


@pytest.mark.parametrize("size", [1, 3, 4])
def test_steps_of_another_size_are_refused(size):
    with pytest.raises(
        RecipeError,
        match=rf"Sampler 'pairs': expected slides_per_step 2 .*got {size}. Set sampler.slides_per_step=2",
    ):
        Pairs(size)


def test_targets_that_are_no_classes_are_refused():
    with pytest.raises(
        RecipeError, match=r"Sampler 'pairs': expected one class .* got targets of shape \[4, 2\]"
    ):
        Pairs(2).steps(torch.rand(4, 2), seed=0, epoch=0)
