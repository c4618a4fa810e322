"""The whole summary: its form, its counts, its honesty about what is undefined."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError
from wsigraph.evaluation.metrics import METRICS
from wsigraph.evaluation.patients import to_patients
from wsigraph.evaluation.summary import summarise


def test_the_form_of_metrics_json(make_scores, make_rows):
    y, p = make_scores(60, 3, seed=1)
    folds = [dataclasses.replace(row, fold=i % 5) for i, row in enumerate(make_rows(y, p))]
    val = make_rows(y, np.full((60, 3), 1 / 3), split="val", repeat=3)
    found = summarise(folds + val, ["a", "b", "c"], resamples=50)
    assert list(found["slide"]) == ["accuracy", "balanced_accuracy", "auc", "f1", "brier", "ece"]
    for name, cell in found["slide"].items():
        assert list(cell) == ["value", "low", "high"]
        assert cell["value"] == pytest.approx(METRICS[name](y, p))
        assert found["patient"][name] == pytest.approx(cell)  # one slide per patient
    assert list(found["per_class"]) == ["a", "b", "c"]
    assert [row["support"] for row in found["per_class"].values()] == np.bincount(y).tolist()
    confusion = np.array(found["confusion"])
    assert confusion.sum(1).tolist() == np.bincount(y).tolist()
    assert np.trace(confusion) / 60 == pytest.approx(found["slide"]["accuracy"]["value"])
    recalls = [row["recall"]["value"] for row in found["per_class"].values()]
    assert np.mean(recalls) == pytest.approx(found["slide"]["balanced_accuracy"]["value"])
    assert found["counts"] == {
        "slides": 60,
        "patients": 60,
        "repeats": 1,
        "folds": 5,
        "predictions": 60,
        "external": 0,
        "unlabelled": 0,
        "contradicting_patients": 0,
    }
    json.dumps(found)


def test_repeats_count_a_slide_once(make_scores, make_rows):
    y, p = make_scores(20, 2, seed=2)
    rows = [row for r in range(3) for row in make_rows(y, p, np.arange(20) // 2, repeat=r)]
    found = summarise(rows, ["n", "t"], resamples=20)
    assert (found["counts"]["slides"], found["counts"]["patients"], found["counts"]["repeats"]) == (20, 10, 3)
    assert sum(row["support"] for row in found["per_class"].values()) == 20
    assert np.sum(found["confusion"]) == 60


def test_metrics_that_some_resamples_leave_undefined_are_named(make_rows):
    y = np.array([1, 0, 0, 0, 0, 0])
    p = np.array([[0.2, 0.8]] + [[0.9, 0.1]] * 5)
    found = summarise(make_rows(y, p), ["n", "t"], resamples=500)
    partly = found["intervals"]["partly_defined"]
    assert 250 < partly["slide.auc"] < 400
    assert "per_class.t.recall" in partly
    assert "slide.accuracy" not in partly


def test_unlabelled_rows_are_left_out_and_counted(make_scores, make_rows):
    y, p = make_scores(30, 2, seed=3)
    rows = make_rows(y, p)
    rows[:4] = [dataclasses.replace(row, label=-1) for row in rows[:4]]
    found = summarise(rows, ["n", "t"], resamples=20)
    assert (found["counts"]["slides"], found["counts"]["unlabelled"]) == (26, 4)
    assert found["slide"]["accuracy"]["value"] == METRICS["accuracy"](y[4:], p[4:])


def test_patients_average_their_slides():
    rows = [
        Prediction("s1", "p1", (0.9, 0.1), label=1, fold=0),
        Prediction("s2", "p1", (0.2, 0.8), label=1, fold=0),
        Prediction("s3", "p2", (0.6, 0.4), label=0, fold=0),
        Prediction("s4", "p2", (0.6, 0.4), label=-1, fold=1),
    ]
    level = to_patients(rows)
    one, two = level.predictions
    assert one.probabilities == pytest.approx((0.55, 0.45))
    assert (one.slide_id, one.label, one.fold) == ("p1", 1, 0)
    assert (two.label, two.fold) == (0, -1)
    assert level.contradicting == ()


def test_a_patient_whose_slides_contradict_is_left_out_and_counted(make_scores, make_rows):
    y, p = make_scores(20, 2, seed=4)
    y[:2] = [0, 1]
    rows = make_rows(y, p, [0, 0, *range(2, 20)])
    level = to_patients(rows)
    assert level.contradicting == ("p0",)
    assert len(level.predictions) == 18
    found = summarise(rows, ["n", "t"], resamples=20)
    assert found["counts"]["contradicting_patients"] == 1
    assert found["patient"]["accuracy"]["value"] == METRICS["accuracy"](y[2:], p[2:])
    only = summarise(rows[:2], ["n", "t"], resamples=20)
    assert only["patient"] == {}


def test_out_of_fold_and_external_slides_of_a_patient_are_one_patient(make_scores, make_rows):
    y, p = make_scores(20, 2, seed=4)
    y[1::2] = y[::2]
    patients = np.arange(20) // 2
    rows = make_rows(y, p, patients)
    rows[::2] = [dataclasses.replace(row, split="external", fold=-1) for row in rows[::2]]
    found = summarise(rows, ["n", "t"], resamples=20)
    assert (found["counts"]["patients"], found["counts"]["external"], found["counts"]["folds"]) == (10, 10, 1)
    assert found["patient"]["brier"]["value"] == pytest.approx(
        METRICS["brier"](y[::2], (p[::2] + p[1::2]) / 2)
    )


def test_wrong_number_of_classes(make_scores, make_rows):
    y, p = make_scores(5, 2, seed=5)
    with pytest.raises(RunError, match=r"expected 3 probabilities per row .*got 2"):
        summarise(make_rows(y, p), ["a", "b", "c"])
