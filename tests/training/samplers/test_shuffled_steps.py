"""Shuffled steps: every slide once, the orders that finished runs had, and the same after a resume."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import RecipeError
from wsigraph.training.samplers.balanced import Balanced
from wsigraph.training.samplers.shuffled import Shuffled
from wsigraph.training.samplers.steps import EpochSteps

OF_NINE = {
    0: [[6, 3, 4, 8], [0, 1, 2, 5], [7]],
    1: [[6, 1, 4, 0], [8, 3, 7, 2], [5]],
    7: [[4, 3, 8, 0], [5, 1, 6, 7], [2]],
}
"""Steps of nine slides by epoch, seed 3: what earlier versions drew, so that their runs can be repeated."""


@given(num=st.integers(1, 60), size=st.integers(1, 9), seed=st.integers(0, 99), epoch=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_every_slide_once_in_full_steps_and_one_for_the_rest(num, size, seed, epoch):
    steps = Shuffled(size).steps(torch.zeros(num), seed=seed, epoch=epoch)
    assert sorted(slide for step in steps for slide in step) == list(range(num))
    assert [len(step) for step in steps] == [size] * (num // size) + [num % size] * (num % size > 0)


@pytest.mark.parametrize(("epoch", "steps"), OF_NINE.items())
def test_orders_are_those_of_finished_runs(epoch, steps):
    assert Shuffled(4).steps(torch.zeros(9), seed=3, epoch=epoch) == steps


def test_targets_of_any_task_are_dealt_alike():
    rows, classes = torch.rand(9, 2), torch.arange(9) % 3
    assert Shuffled(4).steps(rows, seed=3, epoch=0) == Shuffled(4).steps(classes, seed=3, epoch=0)


def test_each_epoch_has_its_own_steps_and_keeps_them_after_a_resume():
    steps, resumed = (EpochSteps(Shuffled(3), torch.zeros(50), seed=3) for _ in range(2))
    given_out = []
    for epoch in range(3):
        steps.sampler.set_epoch(epoch)  # as Lightning does
        given_out.append(list(steps))
    assert given_out[0] != given_out[1] != given_out[2]
    resumed.sampler.set_epoch(2)
    assert list(resumed) == given_out[2]
    assert list(EpochSteps(Shuffled(3), torch.zeros(50), seed=4)) != given_out[0]
    assert len(steps) == len(given_out[0]) == 17


def test_what_cannot_be_dealt_is_refused_before_the_first_step():
    with pytest.raises(RecipeError, match=r"Sampler 'balanced': expected one class .* got targets of shape"):
        EpochSteps(Balanced(2), torch.rand(6, 2), seed=0)
