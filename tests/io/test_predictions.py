"""predictions.csv and metrics.json: exact round trips, and errors that name the row."""

from __future__ import annotations

import csv
import json
import math

import pytest

from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError
from wsigraph.evaluation.summary import summarise
from wsigraph.io.metrics_file import read_metrics, write_metrics
from wsigraph.io.predictions import read_classes, read_predictions, write_predictions

CLASSES = ["normal", 'tumour, "grade" 2', "prob_x"]
ROWS = [
    Prediction("s1", "p,1", (0.1, 0.2, 0.7), label=2, repeat=0, fold=3),
    Prediction("s2", 'p"2', (1 / 3, 1 / 3, 1 - 2 / 3), label=-1, repeat=1, fold=-1, split="external"),
    Prediction("s3", "p3", (0.5, 0.25, 0.25), label=1, split="val"),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, ROWS, CLASSES)
    return path


def test_round_trip_is_exact_with_commas_and_quotes(file):
    assert read_predictions(file) == ROWS
    assert read_predictions(file, classes=CLASSES) == ROWS
    assert read_classes(file) == tuple(CLASSES)


def test_columns_are_those_of_the_format(file):
    with open(file, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == [
        *("slide_id", "patient_id", "repeat", "fold", "split", "label", "pred"),
        *(f"prob_{name}" for name in CLASSES),
    ]
    assert [row["label"] for row in rows] == ["prob_x", "", CLASSES[1]]
    assert [row["pred"] for row in rows] == ["prob_x", "prob_x" if ROWS[1].pred == 2 else "normal", "normal"]


def test_a_file_saved_by_a_spreadsheet_still_reads(file):
    text = file.read_text(encoding="utf-8").replace("\n", "\r\n")
    file.write_text("\ufeff" + text + "\r\n", encoding="utf-8", newline="")
    assert read_predictions(file) == ROWS


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.7\n", "0.7,1\n", r"row 2: expected 10 cells, got 11"),
        (",3,test,prob_x", ",three,test,prob_x", r"row 2: expected numbers .*'three'"),
        ("test,prob_x,prob_x", "test,cat,prob_x", r"row 2: expected a label among .*got 'cat'"),
        ("test,prob_x,prob_x", "test,prob_x,normal", r"row 2: expected pred to be .*'prob_x', got 'normal'"),
        ("0.1,0.2,0.7", "0.1,0.2,0.1", r"row 2: Prediction 's1': expected probabilities that sum to 1"),
        ("0.1,0.2,0.7", "0.1,0.2,nan", r"row 2: Prediction 's1'"),
        ("slide_id", "slide", r"expected columns slide_id,patient_id"),
        ("prob_prob_x", "prob_normal", r"one prob_<class> for each of two or more"),
        ('"p,1"', '"p,1', r"expected a readable CSV|row 2"),
    ],
)
def test_malformed_files_name_the_row(file, old, new, message):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RunError, match=message):
        read_predictions(file)


def test_a_cut_or_empty_or_missing_file(file, tmp_path):
    file.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(RunError, match=r"row 4"):
        read_predictions(file)
    file.write_text("", encoding="utf-8")
    with pytest.raises(RunError, match="got an empty file"):
        read_predictions(file)
    with pytest.raises(RunError, match="readable CSV"):
        read_predictions(tmp_path / "none.csv")


def test_other_classes_than_asked_are_refused(file, tmp_path):
    with pytest.raises(RunError, match=r"expected classes \['a', 'b'\], got"):
        read_predictions(file, classes=["a", "b"])
    with pytest.raises(RunError, match=r"'s1': expected 2 probabilities .*got 3"):
        write_predictions(tmp_path / "x.csv", ROWS, ["a", "b"])
    assert not (tmp_path / "x.csv").exists()


def test_metrics_round_trip_and_nan_is_null(tmp_path):
    rows = [Prediction(f"s{i}", f"p{i}", (0.6, 0.4), label=0) for i in range(4)]
    metrics = summarise(rows, ["a", "b"], resamples=10)
    path = tmp_path / "metrics.json"
    write_metrics(path, metrics)
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert plain["slide"]["auc"] == {"value": None, "low": None, "high": None}
    assert plain["slide"]["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    again = read_metrics(path)
    assert math.isnan(again["slide"]["auc"]["value"])
    assert again["slide"]["brier"] == metrics["slide"]["brier"]
    assert again["confusion"] == [[4, 0], [0, 0]]


def test_metrics_that_are_none(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(RunError, match=r"an object with \['slide', 'patient', 'per_class'\], got list"):
        read_metrics(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="readable JSON"):
        read_metrics(path)
    with pytest.raises(RunError, match=r"got \['slide'\]"):
        write_metrics(path, {"slide": {}})
