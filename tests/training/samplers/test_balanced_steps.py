"""Balanced steps: classes equally often, slides of a class equally often, an epoch as long as ever."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import RecipeError
from wsigraph.training.samplers.balanced import Balanced


def drawn(sizes, *, size=3, seed=0, epoch=0):
    """Classes of the slides, and the slides of an epoch in order."""
    classes = [c for c, n in enumerate(sizes) for _ in range(n)]
    steps = Balanced(size).steps(torch.tensor(classes), seed=seed, epoch=epoch)
    return classes, [slide for step in steps for slide in step], steps


@given(
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=6),
    size=st.integers(1, 8),
    epoch=st.integers(0, 50),
)
@settings(max_examples=80, deadline=None)
def test_properties_of_an_epoch(sizes, size, epoch):
    classes, slides, steps = drawn(sizes, size=size, epoch=epoch)
    assert len(slides) == len(classes)
    assert [len(step) for step in steps[:-1]] == [size] * (len(steps) - 1)
    of_class = Counter(classes[slide] for slide in slides)
    assert sorted(of_class) == list(range(len(sizes)))
    assert max(of_class.values()) - min(of_class.values()) <= 1
    times = Counter(slides)
    for c in range(len(sizes)):  # no slide comes back before all of its class came as often
        mine = [times[slide] for slide, of in enumerate(classes) if of == c]
        assert max(mine) - min(mine) <= 1


def test_two_classes_of_nine_and_three():
    classes, slides, _ = drawn([9, 3])
    times = Counter(slides)
    assert Counter(classes[s] for s in slides) == {0: 6, 1: 6}
    assert [times[s] for s in (9, 10, 11)] == [2, 2, 2]
    assert sorted(times[s] for s in range(9)) == [0, 0, 0, 1, 1, 1, 1, 1, 1]


def test_the_slide_too_many_goes_to_each_class_in_some_epochs_and_a_large_class_takes_turns():
    more, seen = Counter(), Counter()
    for epoch in range(200):
        classes, slides, _ = drawn([7, 2, 1], epoch=epoch)
        of_class = Counter(classes[s] for s in slides)
        more[max(of_class, key=of_class.get)] += 1
        seen.update(s for s in slides if classes[s] == 0)
    assert all(40 < more[c] < 95 for c in range(3))  # a third of 200 each
    assert all(65 < seen[s] < 130 for s in range(7))  # 3 or 4 of 7 in each epoch: 95 of 200


def test_the_order_mixes_classes():
    classes, slides, _ = drawn([50, 50], size=1)
    changes = sum(classes[a] != classes[b] for a, b in pairwise(slides))
    assert 30 < changes < 70  # half of 99


@pytest.mark.parametrize(
    ("targets", "sentence"),
    [
        (torch.rand(4, 3), r"got targets of shape \[4, 3\]. The sampler 'shuffled' deals slides of any task"),
        (torch.tensor([0.5, 1.0]), "got values such as 0.5"),
        (torch.tensor([True, False]), "got values such as True"),
        (torch.tensor([0, -1, 1, -1]), r"got no class \(below 0\) for 2 of 4 slides, first number 1"),
        (torch.tensor([], dtype=torch.long), r"got targets of shape \[0\]"),
    ],
)
def test_targets_that_are_no_classes_are_refused(targets, sentence):
    with pytest.raises(RecipeError, match=f"Sampler 'balanced': expected one class .*{sentence}"):
        Balanced(2).steps(targets, seed=0, epoch=0)
