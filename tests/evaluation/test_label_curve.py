"""Low-label curves: each point by counting pairs, and the slides the same at every share."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.errors import RunError
from wsigraph.evaluation.intervals import patient_intervals
from wsigraph.evaluation.label_curve import label_curve
from wsigraph.evaluation.metrics import auc
from wsigraph.evaluation.resampled import RESAMPLED
from wsigraph.evaluation.sample import sample_of


@pytest.fixture
def answers(make_scores, make_rows):
    said = {}
    labels, _ = make_scores(40, 2, seed=0)
    for share in (1.0, 0.1):
        said[share] = []
        for repeat in range(3):
            rng = np.random.default_rng([int(10 * share), repeat])
            chance = 1 / (1 + np.exp(-(rng.normal(size=40) + 3 * share * labels)))
            said[share] += make_rows(labels, np.stack([1 - chance, chance], 1), repeat=repeat)
    return said


def test_points_are_counted_pairs_with_their_intervals(answers):
    curve = label_curve(answers, resamples=100, seed=2)
    assert [point.share for point in curve] == [0.1, 1.0]
    for point in curve:
        for repeat, value in enumerate(point.per_seed):
            said = [(r.probabilities[1], r.label) for r in answers[point.share] if r.repeat == repeat]
            pairs = [(p > n) + 0.5 * (p == n) for p, a in said if a for n, b in said if not b]
            assert value == pytest.approx(np.mean(pairs))
        assert point.found.value == pytest.approx(np.mean(point.per_seed))
        sample = sample_of(answers[point.share])
        assert [point.found] == patient_intervals(sample, auc, RESAMPLED["auc"], resamples=100, seed=2)
    assert curve[0].found.value < curve[1].found.value


def test_what_does_not_match_is_refused(answers):
    with pytest.raises(RunError, match=r"shares above 0 and up to 1, got 1\.5"):
        label_curve({**answers, 1.5: answers[1.0]})
    with pytest.raises(RunError, match=r"label_curve at share 1\.0: expected the same slides"):
        label_curve({0.1: answers[0.1], 1.0: answers[1.0][1:]})
    with pytest.raises(RunError, match="got 'mcc'"):
        label_curve(answers, metric="mcc")
