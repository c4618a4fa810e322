"""Self-paced positives: who is a candidate, how many are taken, and how that grows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, RecipeError
from wsigraph.nn.schedule import Schedule
from wsigraph.training.mining.positives import pace, self_paced
from wsigraph.training.mining.scored import ScoredSlide


def slides_of(*scores, label=1):
    return [ScoredSlide(f"p{i}", label, np.asarray(mine, np.float32)) for i, mine in enumerate(scores)]


def pairs(chosen):
    return list(zip(chosen.slide.tolist(), chosen.patch.tolist(), strict=True))


def test_the_floor_comes_first_then_the_share():
    slides = slides_of([0.31, 0.3, 0.9, 0.1], [0.29], [0.5, 0.7, 0.6])
    found = self_paced(slides, share=0.5)
    assert found.counts.candidates == 5  # a score of exactly the floor is not above it, in its own precision
    assert pairs(found.chosen) == [(0, 2), (2, 1), (2, 2)]
    assert found.counts.taken == 3
    assert found.counts.uncertain == 5
    assert found.counts.silent == 1
    assert found.counts.threshold == np.float32(0.6)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), max_size=15), min_size=1, max_size=5),
    st.floats(0.01, 1.0),
    st.integers(0, 5),
)
def test_the_highest_candidates_are_taken(scores, share, seed):
    slides = [*slides_of(*scores), ScoredSlide("n", 0, np.ones(30, np.float32))]
    found = self_paced(slides, share=share, seed=seed)
    candidates = sorted(s for mine in scores for s in mine if s > 0.3)
    taken = sorted(round(float(slides[s].scores[p]), 6) for s, p in pairs(found.chosen))
    assert taken == candidates[len(candidates) - math.ceil(round(share * len(candidates), 6)) :]
    assert len(set(pairs(found.chosen))) == len(taken)
    assert found.counts.uncertain + found.counts.taken == found.counts.patches == sum(map(len, scores))
    assert found.counts.silent == sum(not any(s > 0.3 for s in mine) for mine in scores)


def test_no_candidate_gives_no_positive_and_says_so():
    counts = self_paced(slides_of([0.1, 0.2], [0.3 - 1e-6]), share=0.8).counts
    assert (counts.taken, counts.threshold, counts.silent, counts.uncertain) == (0, None, 2, 3)


def test_slides_of_the_class_alone_are_read():
    with pytest.raises(CohortError, match="slides of class 2, got none among 1"):
        self_paced(slides_of([0.9]), share=0.5, target=2)


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(RecipeError, match="a share above 0 and up to 1"):
        self_paced(slides_of([0.9]), share=share)


def test_the_pace_is_that_of_the_paper():
    shares = [pace(epoch, 11, warmup=5) for epoch in range(11)]
    assert shares[:6] == pytest.approx([0.2] * 6)
    assert shares[5:] == pytest.approx([0.2, 0.32, 0.44, 0.56, 0.68, 0.8])
    assert pace(99, 11) == pytest.approx(0.8)


def test_the_pace_of_the_shortest_runs():
    assert [pace(e, 2, warmup=0) for e in range(2)] == pytest.approx([0.2, 0.8])
    assert [pace(e, 6, warmup=5) for e in range(6)] == pytest.approx([0.2] * 5 + [0.8])
    assert pace(3, 7, warmup=0, schedule=Schedule(0.1, 0.5, "cosine")) == pytest.approx(0.3)


def test_a_warm_up_that_leaves_no_epoch_is_refused():
    with pytest.raises(RecipeError, match="a warm-up of 0 to 4 epochs, got 5"):
        pace(0, 5)
