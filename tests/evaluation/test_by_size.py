"""Sensitivity by size of lesion: the threshold by counting, groups by hand, a paired difference."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError
from wsigraph.evaluation.by_size import by_size, found_at


def rows(scores, labels, repeat=0):
    return [
        Prediction(f"s{i}", f"s{i}", (1.0 - score, score), label=label, repeat=repeat)
        for i, (score, label) in enumerate(zip(scores, labels, strict=True))
    ]


@pytest.mark.parametrize("specificity", [0.1, 0.5, 0.8, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("negatives", [1, 9, 10, 20])
def test_no_lower_threshold_keeps_the_specificity(specificity, negatives):
    rng = np.random.default_rng(negatives)
    scores, labels = rng.random(negatives + 30), [0] * negatives + [1] * 30
    found = found_at(rows(scores, labels), specificity=specificity)
    allowed = []  # every threshold that spares enough negatives; the best of them finds most
    for bound in [-1.0, *scores]:
        if sum(score <= bound for score in scores[:negatives]) >= specificity * negatives - 1e-9:
            hits = {f"s{i}": float(scores[i] > bound) for i in range(negatives, negatives + 30)}
            allowed.append(hits)
    assert found == max(allowed, key=lambda one: sum(one.values()))


def test_repeats_have_their_own_thresholds_and_are_averaged():
    labels = [0, 0, 1, 1]
    answers = rows([0.1, 0.2, 0.3, 0.15], labels) + rows([0.6, 0.7, 0.8, 0.75], labels, repeat=1)
    assert found_at(answers, specificity=1.0) == {"s2": 1.0, "s3": 0.5}


def test_groups_by_hand():
    values = {"a": 1.0, "b": 0.0, "c": 0.5, "d": 1.0, "e": 0.25}
    sizes = {"a": 1, "b": 2, "c": 2, "d": 7, "e": 0, "other": 3}
    first, second, third = by_size(values, sizes, [1, 4, 8, math.inf])
    assert (first.low, first.high, first.slides, first.value) == (1, 4, 3, 0.5)
    assert 0.0 <= first.low95 < 0.5 < first.high95 <= 1.0
    assert (second.slides, second.value, third.slides) == (1, 1.0, 0)
    assert math.isnan(second.low95)
    assert math.isnan(third.value)


def test_the_interval_covers_what_was_drawn_from():
    covered, rng = 0, np.random.default_rng(0)
    for trial in range(200):
        values = {str(i): float(rng.random() < 0.4) for i in range(60)}
        (group,) = by_size(values, dict.fromkeys(values, 1.0), [0, 2], resamples=300, seed=trial)
        covered += group.low95 <= 0.4 <= group.high95
    assert 0.89 <= covered / 200 <= 0.99


def test_what_cannot_be_is_refused():
    with pytest.raises(RunError, match=r"a size of every slide.*'a' without"):
        by_size({"a": 1.0}, {}, [0, 1])
    with pytest.raises(RunError, match=r"edges that rise, got edges \[1, 1\]"):
        by_size({"a": 1.0}, {"a": 1.0}, [1, 1])
    with pytest.raises(RunError, match="a specificity above 0, up to 1, got 0"):
        found_at(rows([0.5], [0]), specificity=0)
    with pytest.raises(RunError, match="negative slides in every repeat, got none in 0"):
        found_at(rows([0.5], [1]))
