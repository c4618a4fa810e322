"""Paired comparison: right sign, right size, right error rate, and refusal of what does not match."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.paired import paired_difference


def compare(a, b, metric="accuracy", **options):
    return paired_difference(a, b, metric=metric, **{"resamples": 400, **options})


@pytest.mark.parametrize("metric", list(METRICS))
def test_a_method_against_itself_is_no_difference(make_scores, make_rows, metric):
    y, p = make_scores(50, 2, seed=1)
    found = compare(make_rows(y, p), make_rows(y, p), metric)
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)
    assert found.verdict == "neither"


@pytest.mark.parametrize("metric", ["accuracy", "auc", "brier"])
def test_the_better_method_wins_from_either_side(make_scores, make_rows, metric):
    y, good = make_scores(120, 2, seed=2, skill=3.0)
    bad = np.roll(good, 1, axis=0)
    a, b = make_rows(y, good), make_rows(y, bad)
    one, other = compare(a, b, metric), compare(b, a, metric)
    assert one.verdict == "a"
    assert other.verdict == "b"
    assert one.difference == pytest.approx(METRICS[metric](y, good) - METRICS[metric](y, bad))
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert one.p_value == 1 / 401
    assert one.patients == 120


def test_order_of_the_rows_does_not_matter(make_scores, make_rows):
    y, p = make_scores(40, 3, seed=3)
    _, q = make_scores(40, 3, seed=4)
    a, b = make_rows(y, p), make_rows(y, q)
    assert compare(a, b) == compare(a[::-1], b)


def test_pairing_finds_a_small_consistent_gain(make_scores, make_rows):
    """a is right where b is, and on 8 slides more: the difference is clear though each interval is wide."""
    y = np.arange(100) % 2
    right = np.arange(100) % 3 > 0
    more = right.copy()
    more[np.flatnonzero(~right)[:8]] = True
    p = {k: np.where((y == 1) == good, 0.8, 0.2) for k, good in (("b", right), ("a", more))}
    a, b = (make_rows(y, np.stack([1 - p[k], p[k]], 1)) for k in "ab")
    found = compare(a, b, resamples=2000)
    assert found.difference == pytest.approx(0.08)
    assert found.verdict == "a"
    # exact sign test of 8 against 0 gives 2 / 2**8
    assert found.p_value == pytest.approx(2 / 2**8, abs=0.006)


def test_p_values_are_uniform_where_there_is_no_difference(make_rows):
    rng = np.random.default_rng(5)
    values = []
    for trial in range(120):
        y = rng.integers(0, 2, 40)
        score = rng.normal(size=(2, 40)) + y
        chance = 1 / (1 + np.exp(-score))
        a, b = (make_rows(y, np.stack([1 - c, c], 1), np.arange(40) // 2) for c in chance)
        values.append(compare(a, b, "brier", resamples=200, seed=trial).p_value)
    assert np.mean(np.array(values) < 0.05) <= 0.11
    assert 0.4 < np.mean(values) < 0.6


def test_repeats_of_a_patient_are_swapped_together(make_scores, make_rows):
    y, p = make_scores(30, 2, seed=8)
    _, q = make_scores(30, 2, seed=9)
    once = compare(make_rows(y, p), make_rows(y, q), "brier")
    many = [[row for r in range(6) for row in make_rows(y, s, repeat=r)] for s in (p, q)]
    again = compare(*many, "brier")
    assert (again.difference, again.low, again.high, again.p_value) == pytest.approx(
        (once.difference, once.low, once.high, once.p_value)
    )


def test_what_does_not_match_is_refused(make_scores, make_rows):
    y, p = make_scores(6, 2, seed=0)
    a = make_rows(y, p)
    with pytest.raises(RunError, match=r"1 only in a, 0 only in b \(first: slide 's0005', repeat 0\)"):
        compare(a, a[:5])
    with pytest.raises(RunError, match=r"the same labels in a and b, got 1 that differ \('s0000'\)"):
        compare(a, [dataclasses.replace(a[0], label=1 - a[0].label), *a[1:]])
    with pytest.raises(RunError, match=r"the same patients"):
        compare(a, [dataclasses.replace(a[0], patient_id="p9"), *a[1:]])
    with pytest.raises(RunError, match=r"a metric of .*got 'mcc'"):
        compare(a, a, "mcc")
    with pytest.raises(RunError, match=r"the same classes in a and b, got 2 and 3"):
        compare(a, make_rows(y, np.full((6, 3), 1 / 3)))
