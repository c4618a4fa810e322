"""Holm's correction against a worked example, a loop, and its promise."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.holm import holm


def test_by_hand():
    # sorted .005 .01 .03 .04 -> x4 x3 x2 x1 = .02 .03 .06 .04, and never less than the one before: .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def step_down(values, level):
    """Holm's procedure as it is told: go up from the smallest, stop at the first that is too large."""
    rejected, m = set(), len(values)
    for step, place in enumerate(sorted(range(m), key=lambda i: values[i])):
        if values[place] > level / (m - step):
            break
        rejected.add(place)
    return rejected


@pytest.mark.parametrize("seed", range(20))
def test_rejects_what_the_procedure_rejects(seed):
    values = np.random.default_rng(seed).beta(0.3, 2.0, 9)
    found = holm(values)
    for level in (0.01, 0.05, 0.2):
        assert set(np.flatnonzero(found <= level)) == step_down(values.tolist(), level)


def test_one_false_alarm_in_a_family_is_as_rare_as_promised():
    rng = np.random.default_rng(0)
    alarms = [bool((holm(rng.uniform(size=8)) <= 0.05).any()) for _ in range(4000)]
    assert 0.041 < np.mean(alarms) < 0.059  # 1 - (1 - .05 / 8)^8 = .049, and 2.6 standard errors each way


def test_an_undefined_test_counts_and_stays_undefined():
    found = holm([0.01, float("nan"), 0.02])
    assert found[[0, 2]] == pytest.approx([0.03, 0.04])
    assert np.isnan(found[1])
    assert holm([]).shape == (0,)


def test_what_is_no_probability_is_refused():
    with pytest.raises(RunError, match=r"holm: expected p-values from 0 to 1, got 1\.5"):
        holm([0.1, 1.5])
