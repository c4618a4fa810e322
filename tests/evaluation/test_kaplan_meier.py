"""Survival curves: by hand and by lifelines."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.evaluation.kaplan_meier import halves_by_risk, kaplan_meier


def test_by_hand():
    times, survival = kaplan_meier(np.array([2.0, 3.0, 3.0, 4.0, 5.0]), np.array([1, 1, 0, 0, 1]))
    assert times.tolist() == [0, 2, 3, 5]
    assert survival.tolist() == pytest.approx([1, 4 / 5, 4 / 5 * 3 / 4, 0])
    assert kaplan_meier(np.array([1.0]), np.array([0]))[1].tolist() == [1.0]


@pytest.mark.parametrize("seed", range(3))
def test_equals_lifelines(seed):
    from lifelines.utils import survival_table_from_events

    rng = np.random.default_rng(seed)
    times, events = rng.integers(1, 12, 50).astype(float), rng.integers(0, 2, 50)
    table = survival_table_from_events(times, events)
    wanted = (1 - table["observed"] / table["at_risk"]).cumprod()
    for step, value in zip(*kaplan_meier(times, events), strict=True):
        assert value == pytest.approx(wanted[wanted.index <= step].iloc[-1])


def test_each_fold_is_halved_by_itself():
    risk, folds = np.array([1.0, 2, 3, 4, 101, 102, 103, 104]), np.repeat([0, 1], 4)
    assert halves_by_risk(risk, folds).tolist() == [False, False, True, True] * 2
