"""The planned difference against simulated cohorts: normal scores of two methods on the same patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wsigraph.errors import RunError
from wsigraph.evaluation.power import auc_variance, detectable_after, detectable_difference, patient_sides


def aucs(scores, positive):
    """AUC of each simulated cohort, by counting pairs: ``[..., n]`` -> ``[...]``."""
    first, second = scores[..., :positive, None], scores[..., None, positive:]
    return (first > second).mean((-2, -1))


def simulated(auc, positive, negative, *, agreement, cohorts=1500):
    """AUCs of two methods of equal skill whose scores agree, one row per cohort."""
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(1, cohorts, positive + negative))
    own = rng.normal(size=(2, cohorts, positive + negative))
    scores = np.sqrt(agreement) * shared + np.sqrt(1 - agreement) * own
    scores[..., :positive] += np.sqrt(2) * stats.norm.ppf(auc)
    return aucs(scores, positive)


def test_the_variance_is_that_of_simulated_cohorts():
    """Of 1,500 cohorts a variance is known to 3.7 % (one standard error)."""
    found = simulated(0.8, 20, 40, agreement=0.0)
    assert auc_variance(0.8, 20, 40) == pytest.approx(found.ravel().var(), rel=0.08)


def test_a_difference_of_that_size_is_found_as_often_as_said():
    """A z-test with the simulated spread: 80 % of cohorts would show a difference as large as planned."""
    first, second = simulated(0.85, 30, 50, agreement=0.6)
    r = float(np.corrcoef(first, second)[0, 1])
    planned = detectable_difference(30, 50, auc=0.85, correlation=r)
    noise = first - second
    shown = np.abs(planned.difference + noise) / noise.std() > 1.96
    assert shown.mean() == pytest.approx(0.8, abs=0.03)


def test_by_hand():
    """One patient on each side: the variance of a single comparison is A (1 - A)."""
    assert auc_variance(0.9, 1, 1) == pytest.approx(0.09)
    found = detectable_difference(1, 1, auc=0.9, correlation=0.5)
    assert found.difference == pytest.approx((1.959964 + 0.841621) * 0.3, rel=1e-6)
    assert "1 against 1 patients" in str(found)
    assert "80% power" in str(found)


def test_after_the_fact_the_interval_tells_the_spread():
    """z of .975 and of .8 by hand; the same spread reckoned beforehand shows the same difference."""
    assert detectable_after(-1.959964, 1.959964) == pytest.approx(1.959964 + 0.841621, rel=1e-6)
    before = detectable_difference(40, 60, auc=0.8, correlation=0.3, power=0.9, level=0.01)
    half = 1.959964 * np.sqrt(2 * 0.7 * auc_variance(0.8, 40, 60))
    after = detectable_after(0.1 - half, 0.1 + half, power=0.9, level=0.01)
    assert after == pytest.approx(before.difference, rel=1e-6)


def test_more_patients_and_more_agreement_show_less():
    few, many = (detectable_difference(n, n).difference for n in (25, 100))
    assert few / many == pytest.approx(2.0, rel=0.02)
    assert detectable_difference(25, 25, correlation=0.875).difference == pytest.approx(few / 2)


def test_patients_of_each_side():
    assert patient_sides(["a", "a", "b", "b", "b"], ["p", "p", "q", "r", "p"]) == (1, 2)
    assert patient_sides(["a", "b", "c", "c"], ["p", "q", "r", "s"]) == (1, 3)


def test_what_cannot_be_is_refused():
    with pytest.raises(RunError, match="patients of two classes, got 0 and 5"):
        detectable_difference(0, 5)
    with pytest.raises(RunError, match=r"got \{'auc': 1\.0\}"):
        detectable_difference(5, 5, auc=1.0)
    with pytest.raises(RunError, match=r"got \{'correlation': 1\.0\}"):
        detectable_difference(5, 5, correlation=1.0)
