"""The summary of every task: its form, patients, what is left out."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from wsigraph.data.estimate import Estimate
from wsigraph.data.tasks.base import make_task
from wsigraph.errors import RunError
from wsigraph.evaluation.estimates import estimates_of_patients
from wsigraph.evaluation.summary import summarise
from wsigraph.evaluation.survival import concordance
from wsigraph.evaluation.task_summary import summarise_task

NAN = math.nan


def estimate(slide, patient, values, target, **place):
    return Estimate(slide, patient, tuple(values), tuple(target), **place)


def survivors(n=40, *, seed=0):
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    time = rng.exponential(np.exp(-risk)) + 0.01
    event = rng.integers(0, 2, n)
    return (
        [estimate(f"s{i}", f"p{i}", [risk[i]], [time[i], event[i]], fold=i % 2) for i in range(n)],
        np.stack([time, event, np.arange(n) % 2], 1),
        risk[:, None],
    )


def test_survival():
    rows, targets, risk = survivors()
    val = [replace(row, split="val", repeat=1) for row in rows]
    found = summarise_task(rows + val, make_task("cox"), (), resamples=100)
    cell = found["slide"]["concordance"]
    assert cell["value"] == pytest.approx(concordance(targets, risk))
    assert cell["low"] < cell["value"] < cell["high"]
    assert found["patient"] == {"concordance": pytest.approx(cell)}  # one slide per patient
    assert (found["task"], found["classes"], found["per_class"]) == ("cox", [], {})
    assert (found["counts"]["predictions"], found["counts"]["folds"]) == (40, 2)
    assert "confusion" not in found
    json.dumps(found)


def test_labels_have_metrics_and_support_each():
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        values = rng.uniform(size=2)
        truth = [float(values[0] + 0.2 * rng.normal() > 0.5), NAN if i % 4 == 0 else float(i % 3 == 0)]
        rows.append(estimate(f"s{i}", f"p{i}", values, truth))
    found = summarise_task(rows, make_task("multilabel"), ["er", "pr"], resamples=50)
    each = found["per_class"]
    assert each["pr"]["support"] == sum(row.target[1] == 1.0 for row in rows)
    assert found["slide"]["auc"]["value"] == pytest.approx(
        (each["er"]["auc"]["value"] + each["pr"]["auc"]["value"]) / 2
    )
    assert set(each["er"]) == {"auc", "average_precision", "support"}
    assert each["er"]["auc"]["value"] > 0.8


def test_the_interval_draws_patients():
    """Ten copies of each slide in one patient say no more than one."""
    rows, _, _ = survivors()
    alone = summarise_task(rows, make_task("cox"), (), resamples=200)["slide"]["concordance"]
    copies = [replace(row, slide_id=f"{row.slide_id}_{k}") for row in rows for k in range(10)]
    copied = summarise_task(copies, make_task("cox"), (), resamples=200)
    assert copied["slide"]["concordance"] == pytest.approx(alone)
    assert copied["patient"]["concordance"] == pytest.approx(alone)
    assert copied["counts"]["patients"] == 40


def test_ordinal_adds_to_what_is_said_of_classes(make_scores, make_rows):
    y, p = make_scores(60, 3, seed=1)
    rows = make_rows(y, p)
    found = summarise_task(rows, make_task("ordinal"), ["0", "1", "2"], resamples=30)
    plain = summarise(rows, ["0", "1", "2"], resamples=30)
    assert list(found["slide"])[:2] == ["quadratic_kappa", "class_distance"]
    assert {name: found["slide"][name] for name in plain["slide"]} == plain["slide"]
    assert found["slide"]["class_distance"]["value"] == np.abs(p.argmax(1) - y).mean()
    assert found["confusion"] == plain["confusion"]
    assert found["task"] == "ordinal"


def test_classification_is_summarised_as_it_always_was(make_scores, make_rows):
    y, p = make_scores(30, 2, seed=1)
    rows = make_rows(y, p)
    found = summarise_task(rows, make_task("classification"), ["a", "b"], resamples=30)
    assert json.dumps(found) == json.dumps(summarise(rows, ["a", "b"], resamples=30))


def test_patients_average_values_and_join_what_is_known():
    rows = [
        estimate("s1", "p1", [0.2, 0.4], [1.0, NAN], fold=0),
        estimate("s2", "p1", [0.6, 0.0], [1.0, 0.0], fold=0),
        estimate("s3", "p2", [0.1, 0.1], [1.0, 0.0]),
        estimate("s4", "p2", [0.1, 0.1], [1.0, 1.0]),
        estimate("s5", "p3", [0.5, 0.5], [NAN, 1.0], fold=0),
        estimate("s6", "p3", [0.5, 0.5], (), fold=1),
    ]
    (one, three), contradicting = estimates_of_patients(rows)
    assert one.values == pytest.approx((0.4, 0.2))
    assert (one.slide_id, one.target, one.fold) == ("p1", (1.0, 0.0), 0)
    assert (three.slide_id, three.fold, three.target[1]) == ("p3", -1, 1.0)
    assert math.isnan(three.target[0])
    assert contradicting == ("p2",)


def test_what_nothing_is_known_of_is_left_out_and_counted():
    rows, _, _ = survivors()
    rows[:3] = [replace(row, target=()) for row in rows[:3]]
    found = summarise_task(rows, make_task("cox"), (), resamples=20)
    assert (found["counts"]["predictions"], found["counts"]["unlabelled"]) == (37, 3)


def test_what_cannot_be_scored():
    rows, _, _ = survivors(4)
    with pytest.raises(RunError, match=r"rows of split 'test' or 'external' with a known target, got none"):
        summarise_task([replace(row, split="val") for row in rows], make_task("cox"), ())
    with pytest.raises(
        RunError, match=r"Task 'multilabel': expected rows of 1 targets and 1 values, got \(2, 1\)"
    ):
        summarise_task(rows, make_task("multilabel"), ["er"])
    with pytest.raises(RunError, match=r"one row per slide and repeat, got 4 that stand more often"):
        summarise_task(rows * 2, make_task("cox"), ())
    with pytest.raises(RunError, match=r"Estimate 's': expected at least one finite value, got \[nan\]"):
        Estimate("s", "p", (NAN,))
