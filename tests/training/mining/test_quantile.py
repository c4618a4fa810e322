"""Selection by digits against NumPy's sort, on every kind of scores it may meet."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wsigraph.errors import FeatureError, RecipeError
from wsigraph.training.mining.quantile import quantile, select

DTYPES = (np.float16, np.float32, np.float64)


def cut(scores, pieces, rng):
    """The same scores in pieces of uneven length, some of them empty."""
    return np.split(scores, np.sort(rng.integers(0, len(scores) + 1, pieces - 1)))


@st.composite
def streams(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    width = dtype.itemsize * 8
    some = st.floats(allow_nan=False, allow_infinity=False, width=width)
    few = st.sampled_from([-1.0, -0.0, 0.0, 0.25, 1.0])  # ties
    scores = draw(arrays(dtype, st.integers(1, 60), elements=draw(st.sampled_from([some, few]))))
    return np.split(scores, sorted(draw(st.lists(st.integers(0, len(scores)), max_size=4))))


@settings(max_examples=300, deadline=None)
@given(streams(), st.data())
def test_ranks_are_those_of_a_sort(chunks, data):
    scores = np.sort(np.concatenate(chunks))
    ranks = data.draw(st.lists(st.integers(0, len(scores) - 1), min_size=1, max_size=4))
    for place, rank in zip(select(chunks, lambda n: ranks), ranks, strict=True):
        assert place.value == scores[rank]
        assert place.below == (scores < scores[rank]).sum()
        assert place.equal == (scores == scores[rank]).sum()
        assert place.total == len(scores)


@settings(max_examples=300, deadline=None)
@given(streams(), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(chunks, q):
    scores = np.concatenate(chunks).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # differences of the largest floats overflow in both
        wanted = np.quantile(scores, q)
        got = quantile(chunks, q)
    assert np.isclose(got, wanted, rtol=1e-12, atol=0) or not np.isfinite(wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("q", [0.0, 0.05, 0.2, 0.5, 0.95, 1.0])
def test_many_saturated_probabilities(dtype, q):
    rng = np.random.default_rng(3)
    scores = (1 / (1 + np.exp(-rng.normal(0, 12, 200_000)))).astype(dtype)  # many are exactly 0 or 1
    assert quantile(cut(scores, 9, rng), q) == np.quantile(scores.astype(np.float64), q)


def test_memory_does_not_grow_with_the_scores():
    class Stream:
        """Scores made anew in each pass, never held together."""

        def __init__(self, chunks):
            self.chunks = chunks

        def __iter__(self) -> Iterator[np.ndarray]:
            for i in range(self.chunks):
                yield np.random.default_rng(i).random(10_000, np.float32)

    def peak(chunks):
        tracemalloc.start()
        value = quantile(Stream(chunks), 0.95)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return value, used

    value, many = peak(300)
    assert many < 1.05 * peak(10)[1]
    assert many < 3 << 20
    scores = np.concatenate(list(Stream(300)))
    assert value == np.quantile(scores.astype(np.float64), 0.95)


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([], "at least one score, got none"),
        ([np.zeros(0, np.float32)], "at least one score, got none"),
        ([np.array([0.1, np.nan, np.inf], np.float32)], "finite scores, got 2 NaN"),
        ([np.zeros(2, np.float32), np.zeros(2)], "type float32 throughout, got float64"),
        ([np.zeros(2, np.int64)], "got int64"),
        (iter([np.zeros(2)]), "an iterator. Give a list"),
    ],
)
def test_what_is_no_stream_of_scores_is_refused(chunks, words):
    with pytest.raises(FeatureError, match=words):
        quantile(chunks, 0.5)


def test_scores_that_change_between_passes_are_noticed():
    class Drifting:
        passes = 0

        def __iter__(self):
            self.passes += 1
            return iter([np.full(5, 0.1 * self.passes, np.float32)])

    with pytest.raises(FeatureError, match="the same scores in every pass"):
        quantile(Drifting(), 0.5)


def test_a_share_above_one_is_refused():
    with pytest.raises(RecipeError, match="between 0 and 1, got 95"):
        quantile([np.zeros(3)], 95)
