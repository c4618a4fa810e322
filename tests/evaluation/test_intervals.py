"""Intervals: patients are the unit, repeats add no patients, coverage is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from wsigraph.errors import RunError
from wsigraph.evaluation.intervals import distinct_rows, draw_patients, patient_intervals, resample
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.resampled import RESAMPLED
from wsigraph.evaluation.sample import sample_of


def one(predictions, metric="accuracy", **options):
    return patient_intervals(sample_of(predictions), METRICS[metric], RESAMPLED[metric], **options)[0]


def test_each_resample_holds_as_many_patients_as_the_cohort():
    draws = draw_patients(17, resamples=50, seed=3)
    assert (draws.sum(1) == 17).all()
    assert (draws == draw_patients(17, resamples=50, seed=3)).all()
    assert (draws != draw_patients(17, resamples=50, seed=4)).any()


@pytest.mark.parametrize("patients", [3, 30])
def test_draws_that_repeat_are_counted_as_often_as_they_come(make_scores, make_rows, patients):
    y, p = make_scores(60, 2, seed=2)
    sample = sample_of(make_rows(y, p, np.arange(60) % patients))
    draws = draw_patients(patients, resamples=80, seed=5)
    rows, place = distinct_rows(draws)
    np.testing.assert_array_equal(rows[place], draws)
    assert len(rows) == (len({tuple(draw) for draw in draws}) if patients == 3 else 80)
    alone = np.concatenate([resample(sample, RESAMPLED["auc"], draw[None]) for draw in draws])
    np.testing.assert_allclose(resample(sample, RESAMPLED["auc"], draws), alone, rtol=1e-12)


def test_interval_equals_a_plain_loop_over_patients(make_scores, make_rows):
    y, p = make_scores(60, 2, seed=2)
    patients = np.arange(60) // 3
    found = one(make_rows(y, p, patients), "auc", resamples=200, seed=5)
    # patients are numbered in the order of their names
    names = sorted({f"p{i}" for i in patients})
    index = np.array([names.index(f"p{i}") for i in patients])
    values = []
    for draw in draw_patients(20, resamples=200, seed=5).astype(int):
        chosen = np.repeat(np.arange(60), draw[index])
        values.append(METRICS["auc"](y[chosen], p[chosen]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.value == METRICS["auc"](y, p)


def test_copies_of_a_slide_within_a_patient_do_not_narrow_the_interval(make_scores, make_rows):
    y, p = make_scores(40, 2, seed=4)
    alone = one(make_rows(y, p), resamples=500)
    copied = one(make_rows(y.repeat(10), p.repeat(10, axis=0), np.arange(40).repeat(10)), resamples=500)
    wrong = one(make_rows(y.repeat(10), p.repeat(10, axis=0)), resamples=500)
    assert (copied.low, copied.high) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert wrong.high - wrong.low < 0.5 * (copied.high - copied.low)


def test_repeats_are_averaged_and_add_no_patients(make_scores, make_rows):
    y, p = make_scores(40, 2, seed=6)
    single = one(make_rows(y, p), resamples=300)
    same = [row for r in range(5) for row in make_rows(y, p, repeat=r)]
    again = one(same, resamples=300)
    assert (again.value, again.low, again.high) == pytest.approx((single.value, single.low, single.high))
    other = make_rows(y, p[::-1].copy(), repeat=1)
    both = one(make_rows(y, p) + other, resamples=300)
    assert both.value == pytest.approx((single.value + METRICS["accuracy"](y, p[::-1])) / 2)


def test_undefined_resamples_are_left_out_and_counted(make_rows):
    y = np.array([1, 0, 0, 0, 0])
    p = np.array([[0.2, 0.8], [0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.9, 0.1]])
    found = one(make_rows(y, p), "auc", resamples=2000)
    assert found.value == 0.75
    missing = 0.8**5 + 0.2**5  # the positive never drawn, or nothing else drawn
    assert found.defined / 2000 == pytest.approx(1 - missing, abs=0.03)
    assert 0 <= found.low <= found.high <= 1


def test_one_patient_has_no_interval(make_scores, make_rows):
    y, p = make_scores(10, 2, seed=1)
    found = one(make_rows(y, p, np.zeros(10, dtype=int)), resamples=100)
    assert found.value == METRICS["accuracy"](y, p)
    assert np.isnan([found.low, found.high]).all()
    assert found.defined == 0


def test_coverage_is_near_95_percent(make_rows):
    """Simulated cohorts with a known AUC and correlated slides within a patient."""
    rng = np.random.default_rng(0)
    inside = {"auc": 0, "accuracy": 0}
    trials = 200
    # score = patient effect (sd 1) + slide noise (sd 1) + 1.5 * label; cut at .75
    truth = {"auc": norm.cdf(1.5 / 2), "accuracy": norm.cdf(0.75 / np.sqrt(2))}
    for _ in range(trials):
        label = rng.integers(0, 2, 60)
        score = rng.normal(size=(60, 1)) + rng.normal(size=(60, 3)) + 1.5 * label[:, None]
        chance = expit(score - 0.75).ravel()
        rows = make_rows(label.repeat(3), np.stack([1 - chance, chance], 1), np.arange(60).repeat(3))
        for name in inside:
            found = one(rows, name, resamples=300, seed=int(rng.integers(1 << 30)))
            inside[name] += found.low <= truth[name] <= found.high
    for name, hits in inside.items():
        assert 0.90 <= hits / trials <= 0.985, (name, hits / trials)


def test_sample_refuses_what_cannot_be_scored(make_scores, make_rows):
    y, p = make_scores(4, 2, seed=0)
    with pytest.raises(RunError, match=r"known label, got none"):
        sample_of(make_rows(y, p, split="val"))
    with pytest.raises(RunError, match=r"one row per slide and repeat, got 4 .*'s0000', repeat 0"):
        sample_of(make_rows(y, p) * 2)
    with pytest.raises(RunError, match=r"'s0000': expected a label below 2, got 5"):
        sample_of(make_rows([5], p[:1]))
