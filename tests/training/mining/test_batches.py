"""Batches of mined patches: composition, coverage, and draws that depend on (seed, round, step) alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from wsigraph.errors import CohortError, RecipeError
from wsigraph.training.mining.batches import Deck, MinedBatches


def test_batches_are_composed_as_published():
    sampler = MinedBatches(1000, 5000, seed=0)
    assert len(sampler) == 5000 // 410
    for batch in sampler:
        kinds = np.array(batch) < 1000
        assert (len(batch), kinds.sum()) == (512, 102)
        assert kinds[:102].all()


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_a_deck_deals_everything_before_anything_again(total, count, seed):
    deck = Deck(total, count)
    hands = [deck.hand(step, seed=seed) for step in range(2 * deck.hands)]
    assert all(len(hand) == count and set(hand) <= set(range(total)) for hand in hands)
    for turn in (hands[: deck.hands], hands[deck.hands :]):
        times = np.bincount(np.concatenate(turn), minlength=total)
        if total >= count:  # nothing twice, and fewer left over than a hand
            assert times.max() == 1
            assert (times == 0).sum() < count
        else:  # one hand holds all, as evenly as it can
            assert times.max() - times.min() <= 1
    fresh = Deck(total, count)
    for step in reversed(range(2 * deck.hands)):
        assert (fresh.hand(step, seed=seed) == hands[step]).all()


def test_what_was_left_over_comes_in_another_turn():
    deck = Deck(11, 4)
    left = [set(range(11)) - set(np.concatenate([deck.hand(2 * t, seed=5), deck.hand(2 * t + 1, seed=5)]))
            for t in range(40)]  # fmt: skip
    assert all(len(rest) == 3 for rest in left)
    assert set().union(*left) == set(range(11))


def test_a_resumed_round_goes_on_as_if_it_had_not_stopped():
    whole = MinedBatches(30, 100, seed=7, size=20)
    whole.set_epoch(3)
    resumed = MinedBatches(30, 100, seed=7, size=20)
    resumed.set_epoch(3)
    assert list(whole)[4:] == [resumed.at(step) for step in range(4, len(resumed))]


def test_a_round_may_be_longer_than_one_deal_and_goes_on_dealing():
    short, long = (MinedBatches(30, 40, seed=7, size=25, steps=steps) for steps in (None, 6))
    assert (len(list(short)), len(list(long))) == (2, 6)
    assert list(long)[:2] == list(short)
    for deal in range(3):  # each deal shows every negative once
        shown = [i for batch in list(long)[2 * deal : 2 * deal + 2] for i in batch if i >= 30]
        assert sorted(shown) == list(range(30, 70))
    with pytest.raises(RecipeError, match="at least one step, got 0"):
        MinedBatches(30, 40, seed=7, steps=0)


def test_rounds_and_seeds_draw_differently_and_sides_apart():
    def batch(seed, round_):
        sampler = MinedBatches(200, 200, seed=seed, size=20, positive_share=0.5)
        sampler.set_epoch(round_)
        return sampler.at(0)

    first = batch(0, 0)
    assert first == batch(0, 0)
    assert first != batch(0, 1)
    assert first != batch(1, 0)
    assert first[:10] != [i - 200 for i in first[10:]]


def test_it_drives_a_data_loader():
    sampler = MinedBatches(5, 40, seed=0, size=10)
    data = np.arange(45)
    loader = DataLoader(data, batch_sampler=sampler)
    assert [batch.tolist() for batch in loader] == list(sampler)


@pytest.mark.parametrize("sides", [(0, 10), (10, 0)])
def test_an_empty_side_is_refused(sides):
    with pytest.raises(CohortError, match=f"got {sides[0]} positive and {sides[1]} negative ones"):
        MinedBatches(*sides, seed=0)


def test_a_batch_too_small_for_both_is_refused():
    with pytest.raises(RecipeError, match=r"got 0 \+ 2 of 2 patches"):
        MinedBatches(5, 5, seed=0, size=2)
