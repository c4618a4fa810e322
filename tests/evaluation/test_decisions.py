"""Thresholds and decisions, against plain loops over rows."""

from __future__ import annotations

import dataclasses
import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from wsigraph.data.estimate import Estimate
from wsigraph.data.tasks.base import make_task
from wsigraph.evaluation.decisions import (
    GRID,
    MEASURES,
    against_rest,
    benefit_of_all,
    freeze_all,
    net_benefit,
    summarise_decisions,
)
from wsigraph.evaluation.thresholds import Cut, Cuts, freeze, youden
from wsigraph.io.atomic import json_text

CLASSES = ("normal", "tumour")
TASK = make_task("classification")


def index_at(positive, score, cut):
    """Sensitivity + specificity - 1, row by row."""
    hits = sum(1 for y, s in zip(positive, score, strict=True) if y and s >= cut)
    right = sum(1 for y, s in zip(positive, score, strict=True) if not y and s < cut)
    return hits / sum(positive) + right / (len(positive) - sum(positive)) - 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.3, 0.35, 0.8, 1.0])), min_size=2))
def test_no_threshold_between_scores_beats_the_one_chosen(rows):
    positive = np.array([y for y, _ in rows])
    score = np.array([s for _, s in rows])
    cut, index = youden(positive, score)
    levels = sorted(set(score.tolist()))
    if positive.all() or not positive.any() or len(levels) < 2:
        assert math.isnan(cut)
        assert math.isnan(index)
        return
    tried = {(a + b) / 2: index_at(positive, score, (a + b) / 2) for a, b in pairwise(levels)}
    assert index == pytest.approx(max(tried.values()))
    assert tried[cut] == pytest.approx(index)
    assert all(abs(cut - 0.5) <= abs(c - 0.5) for c, j in tried.items() if j > index - 1e-9)


def test_known_threshold():
    positive = np.array([0, 0, 1, 0, 1, 1], dtype=bool)
    cut, index = youden(positive, np.array([0.1, 0.2, 0.4, 0.5, 0.7, 0.9]))
    assert cut == pytest.approx(0.6)  # 2/3 + 1 - 1, as 0.3 does (1 + 2/3 - 1); 0.6 is nearer to 1/2
    assert index == pytest.approx(2 / 3)


def test_only_validation_answers_choose_and_each_fold_has_its_own(make_rows):
    low = make_rows([0, 1], [[0.9, 0.1], [0.7, 0.3]], fold=0, split="val")
    high = make_rows([0, 1], [[0.3, 0.7], [0.1, 0.9]], fold=1, split="val")
    blind = make_rows([1, 1], [[0.3, 0.7], [0.1, 0.9]], fold=2, split="val")
    tests = make_rows([1, 0], [[0.99, 0.01], [0.01, 0.99]], fold=0)
    cuts = freeze([*low, *high, *blind, *tests])["slide"]
    assert cuts == freeze([*low, *high, *blind])["slide"]
    assert (cuts.of(0, 0), cuts.of(0, 1)) == pytest.approx((0.2, 0.8))
    assert cuts.of(0, 2) == 0.5  # no negative answer: neither its own threshold nor one that saw its tests
    assert cuts.of(0, 7) == 0.5
    assert cuts.pooled.rows == 6
    assert cuts.of(0, -1) == cuts.pooled.value
    assert repr(Cuts.from_dict(json.loads(json_text(cuts.to_dict())))) == repr(cuts)


def test_patients_are_averaged_within_a_fold(make_rows):
    answers = [[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.1, 0.9]]
    rows = make_rows([0, 0, 1, 1], answers, [0, 0, 1, 1], split="val")
    cuts = freeze([*rows, *(dataclasses.replace(row, fold=1) for row in rows)])
    assert cuts["patient"].folds[0, 0] == Cut(pytest.approx(0.5), 1.0, 2, 1)  # 0.3 and 0.7
    assert cuts["patient"].pooled.rows == 4
    assert cuts["slide"].folds[0, 0].rows == 4


@pytest.fixture
def run(make_scores, make_rows):
    """Two folds with validation answers, two slides per patient."""
    rows = []
    for fold in (0, 1):
        y, p = make_scores(30, 2, seed=fold)
        rows += [
            dataclasses.replace(row, slide_id=f"{fold}{row.slide_id}", patient_id=f"{fold}{row.patient_id}")
            for row in make_rows(y, p, np.arange(30) // 2, fold=fold)
        ]
        rows += make_rows(*make_scores(20, 2, seed=10 + fold, skill=1.5), fold=fold, split="val")
    return rows


def counted(rows, cuts):
    """Sensitivity, specificity and predictive values by counting."""
    called = {True: [0, 0], False: [0, 0]}
    for row in rows:
        called[row.label == 1][row.probabilities[1] >= cuts.of(row.repeat, row.fold)] += 1
    (missed, hits), (right, false) = called[True], called[False]
    return hits / (hits + missed), right / (right + false), hits / (hits + false), right / (right + missed)


def test_decisions_are_what_counting_finds(run):
    frozen = freeze_all(run, TASK, CLASSES)
    found = summarise_decisions(run, TASK, CLASSES, frozen=frozen, resamples=200)["tumour"]
    tests = [row for row in run if row.split == "test"]
    cells = found["slide"]
    names = ("sensitivity", "specificity", "positive_predictive_value", "negative_predictive_value")
    values = [cells[name]["value"] for name in names]
    assert values == pytest.approx(counted(tests, frozen["tumour"]["slide"]))
    truth = np.array([row.label for row in tests])
    score = np.array([row.probabilities[1] for row in tests])
    assert cells["average_precision"]["value"] == pytest.approx(average_precision_score(truth, score))
    assert cells["prevalence"]["value"] == pytest.approx(truth.mean())
    for cell in cells.values():
        assert cell["low"] <= cell["value"] <= cell["high"]
        assert cell["low"] < cell["high"]
    used = sorted({frozen["tumour"]["slide"].of(0, fold) for fold in (0, 1)})
    assert found["thresholds"]["slide"] == used
    assert len(used) == 2


def test_net_benefit_by_hand(run):
    found = summarise_decisions(run, TASK, CLASSES, frozen=freeze_all(run, TASK, CLASSES), resamples=50)
    curve, tests = found["tumour"]["curve"], [row for row in run if row.split == "test"]
    n, positives = len(tests), sum(row.label for row in tests)
    for place, chance in enumerate(GRID):
        odds = chance / (1 - chance)
        hits = sum(1 for r in tests if r.label == 1 and r.probabilities[1] >= chance)
        false = sum(1 for r in tests if r.label == 0 and r.probabilities[1] >= chance)
        assert curve["value"][place] == pytest.approx(hits / n - false / n * odds)
        assert curve["all"][place] == pytest.approx(positives / n - (n - positives) / n * odds)
        assert curve["low"][place] <= curve["value"][place] + 1e-12
        assert curve["value"][place] <= curve["high"][place] + 1e-12


@pytest.mark.parametrize("measure", [*MEASURES.values(), net_benefit, benefit_of_all])
def test_weights_are_rows_that_stand_several_times(make_scores, measure):
    y, p = make_scores(25, 2, seed=3)
    labels = np.stack([y, p[:, 1] > 0.4], axis=1).astype(int)
    weights = np.random.default_rng(0).integers(0, 3, (5, 25)).astype(float)
    found = measure(labels, p, weights)
    for row, counts in zip(found, weights, strict=True):
        times = counts.astype(int)
        again = measure(labels.repeat(times, axis=0), p.repeat(times, axis=0), np.ones((1, times.sum())))
        np.testing.assert_allclose(row, again[0], rtol=1e-12)


def test_the_test_labels_cannot_move_a_threshold(run):
    flipped = [dataclasses.replace(r, label=1 - r.label) if r.split == "test" else r for r in run]
    assert freeze_all(flipped, TASK, CLASSES) == freeze_all(run, TASK, CLASSES)


def test_several_classes_are_asked_one_against_the_rest_and_labels_one_by_one(make_scores, make_rows):
    y, p = make_scores(6, 3, seed=4)
    asked = against_rest(make_rows(y, p), TASK, ("a", "b", "c"))
    assert [[row.label for row in asked[name]] for name in "abc"] == [(y == k).tolist() for k in range(3)]
    assert [row.probabilities[1] for row in asked["b"]] == pytest.approx(p[:, 1])
    rows = [
        Estimate("s0", "p0", (0.2, 0.9), (1.0, math.nan)),
        Estimate("s1", "p1", (0.6, 0.1), (0.0, 1.0)),
        Estimate("s2", "p2", (0.6, 0.1)),
    ]
    asked = against_rest(rows, make_task("multilabel"), ("er", "pr"))
    assert [row.label for row in asked["er"]] == [1, 0, -1]
    assert [row.label for row in asked["pr"]] == [-1, 1, -1]
    assert against_rest(rows, make_task("regression"), ("er", "pr")) == {}
