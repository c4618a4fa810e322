"""Patch metrics by hand and against loops; their resamples against the metric on the repeated patients."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.instances import (
    instance_auc,
    instance_average_precision,
    instance_f1,
    instance_intervals,
)
from wsigraph.evaluation.intervals import draw_patients

TRUTH = np.array([1, 0, 1, 0, 1, -1])
SCORES = np.array([0.9, 0.8, 0.8, 0.3, 0.1, 1.0])


def test_known_values():
    # pairs: .9 wins twice, .8 wins once and ties once, .1 never
    assert instance_auc(TRUTH, SCORES) == pytest.approx((2 + 1.5 + 0) / 6)
    # positives at ranks with precision 1/1, 2/3 (the tie stands together) and 3/5
    assert instance_average_precision(TRUTH, SCORES) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert instance_f1(TRUTH, SCORES) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert instance_f1(TRUTH, SCORES, threshold=0.9) == pytest.approx(2 * 1 / (2 * 1 + 0 + 2))


def test_perfect_scores_are_one_and_reversed_ones_zero():
    truth = np.array([0, 0, 1, 1, -1])
    scores = np.array([0.1, 0.2, 0.7, 0.8, 0.0])
    for metric in (instance_auc, instance_average_precision, instance_f1):
        assert metric(truth, scores) == 1.0
    assert instance_auc(truth, -scores) == 0.0
    assert instance_f1(truth, 1 - scores) == 0.0


def test_one_class_alone_is_undefined():
    scores = np.array([0.1, 0.9])
    assert np.isnan(instance_auc(np.array([1, 1]), scores))
    assert np.isnan(instance_average_precision(np.array([0, -1]), scores))
    assert np.isnan(instance_f1(np.array([0, 0]), scores - 1))
    assert np.isnan(instance_f1(np.array([-1, -1]), scores))


def drawn(n, patients, seed):
    """Scores with ties, some patients with one class only, some patches of unknown truth."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, patients, n)
    truth = np.where(patient % 3 == 0, 0, rng.integers(-1, 2, n))
    scores = np.round(np.clip(rng.normal(0.4 + 0.2 * (truth == 1), 0.2), 0, 1), 1)
    return truth, scores, patient


def plainly(truth, scores):
    """AUC, F1 and average precision pair by pair, patch by patch."""
    high, low = scores[truth == 1], scores[truth == 0]
    auc = np.mean([(h > v) + 0.5 * (h == v) for h in high for v in low]) if len(high) and len(low) else np.nan
    called = scores[truth >= 0] >= 0.5
    wrong, right = (called != (truth[truth >= 0] == 1)).sum(), (called & (truth[truth >= 0] == 1)).sum()
    f1 = 2 * right / (2 * right + wrong) if right + wrong else np.nan
    told = scores[truth >= 0]
    precision = [(high >= h).sum() / (told >= h).sum() for h in high]
    return {"auc": auc, "f1": f1, "average_precision": np.mean(precision) if len(high) else np.nan}


@pytest.mark.parametrize("seed", range(3))
def test_resamples_are_the_metric_on_the_patients_drawn(seed, monkeypatch):
    truth, scores, patient = drawn(90, 6, seed)
    kept = {}
    from wsigraph.evaluation import instances

    monkeypatch.setattr(instances, "_LEVELS_AT_ONCE", 3)
    names = iter(("auc", "f1", "average_precision"))

    def listen(value, draws):
        kept[next(names)] = (value, draws)

    monkeypatch.setattr(instances, "interval", listen)
    instance_intervals(truth, scores, patient, resamples=40, seed=seed)
    assert {name: value for name, (value, _) in kept.items()} == pytest.approx(plainly(truth, scores))
    for i, times in enumerate(draw_patients(6, resamples=40, seed=seed)):
        rows = np.concatenate([np.repeat(np.flatnonzero(patient == p), int(t)) for p, t in enumerate(times)])
        for name, value in plainly(truth[rows], scores[rows]).items():
            assert kept[name][1][i] == pytest.approx(value, abs=1e-12, nan_ok=True), name


def test_intervals_hold_the_value_and_patients_are_what_is_drawn():
    truth, scores, patient = drawn(3000, 30, 5)
    found = instance_intervals(truth, scores, patient, resamples=200)
    for one in found.values():
        assert one.low < one.value < one.high
    alone = instance_intervals(truth, scores, np.arange(3000), resamples=200)
    same = instance_intervals(np.tile(truth, 4), np.tile(scores, 4), np.tile(patient, 4), resamples=200)
    assert same["auc"].high == pytest.approx(found["auc"].high, abs=1e-12)  # copies add no evidence
    assert alone["auc"].value == found["auc"].value


def test_one_patient_has_no_interval():
    found = instance_intervals(TRUTH, SCORES, np.zeros(6), resamples=10)["auc"]
    assert found.value == pytest.approx(3.5 / 6)
    assert np.isnan([found.low, found.high]).all()


def test_what_does_not_fit_is_refused():
    with pytest.raises(RunError, match=r"of one shape \[N\], got \[6\], \[5\], \[6\]"):
        instance_intervals(TRUTH, SCORES[:5], np.zeros(6))
    with pytest.raises(RunError, match=r"got truth \[2\]"):
        instance_intervals(np.full(6, 2), SCORES, np.zeros(6))
    with pytest.raises(RunError, match="1 scores that are not"):
        instance_intervals(TRUTH, np.where(SCORES < 0.95, SCORES, np.nan), np.zeros(6))
