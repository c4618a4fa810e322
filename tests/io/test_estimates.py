"""predictions.csv of tasks beyond classes: exact round trips, and errors that name the row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wsigraph.data.estimate import Estimate
from wsigraph.data.prediction import Prediction
from wsigraph.data.tasks.base import make_task
from wsigraph.errors import RunError
from wsigraph.io.answers import read_predictions, write_predictions
from wsigraph.io.scatter_png import write_scatter
from wsigraph.io.survival_png import write_survival

LABELS = make_task("multilabel")
ROWS = [
    Estimate("s1", "p,1", (1 / 3, 0.25), (1.0, math.nan), fold=1),
    Estimate("s2", "p2", (0.5, 1e-9), (), repeat=1, fold=-1, split="external"),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, ROWS, LABELS, ["er", 'a,"b"'])
    return path


def read(path):
    return read_predictions(path, LABELS, ["er", 'a,"b"'])


def test_round_trip_is_exact_and_unknown_is_empty(file):
    one, two = read(file)
    assert two == ROWS[1]
    assert (one.values, one.fold, one.patient_id) == (ROWS[0].values, 1, "p,1")
    np.testing.assert_equal(one.target, ROWS[0].target)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == (
        'slide_id,patient_id,repeat,fold,split,label_er,"label_a,""b""",prob_er,"prob_a,""b"""'
    )
    assert lines[2] == "s2,p2,1,-1,external,,,0.5,1e-09"


def test_classes_are_written_as_ever(tmp_path):
    rows = [Prediction("s", "p", (0.25, 0.75), label=1)]
    write_predictions(tmp_path / "a.csv", rows, make_task("ordinal"), ["0", "1"])
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "s,p,0,0,test,1,1,0.25,0.75"
    assert read_predictions(tmp_path / "a.csv", make_task("ordinal"), ["0", "1"]) == rows


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1e-09", "1e-09,2", "row 3: expected 9 cells, got 10. The file was cut or edited"),
        ("1e-09", "high", "row 3: expected numbers in repeat, fold, targets and values, got .*'high'"),
        ("1e-09", "", "row 3: Estimate 's2': expected at least one finite value"),
        ("label_er", "label_pr", "expected columns slide_id,.*label_er.*got .*label_pr"),
    ],
)
def test_malformed_files_name_the_row(file, old, new, message):
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RunError, match=message):
        read(file)


def test_what_is_not_of_the_task_is_not_written(tmp_path):
    with pytest.raises(RunError, match=r"Estimate 's1': expected 1 values and 2 targets, got 2 and 2"):
        write_predictions(tmp_path / "x.csv", ROWS, make_task("cox"), ())
    assert not (tmp_path / "x.csv").exists()


def test_pictures_are_drawn_and_nothing_is_refused(tmp_path):
    some = np.array([1.0, 2.0, math.nan]), np.array([1.5, 1.5, 3.0])
    write_scatter(
        tmp_path / "a.png", {"age": some, "none": (np.array([math.nan]), np.array([1.0]))}, title="x"
    )
    write_survival(tmp_path / "b.png", {"low": (np.array([1.0, 2.0]), np.array([1, 0])), "nobody": ((), ())})
    for name in ("a.png", "b.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(RunError, match="Scatter plot: expected at least one value, got none"):
        write_scatter(tmp_path / "c.png", {})
    with pytest.raises(RunError, match="Survival curves: expected at least one slide, got none"):
        write_survival(tmp_path / "c.png", {"nobody": ((), ())})
