"""Manifests of tasks beyond classes: which columns are read, what is left out by name, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.data.tasks.cox import Cox
from wsigraph.errors import CohortError, UnknownPartError
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    for name in "ABCD":
        write_features(
            folder / f"{name}.h5", PatchFeatures(name, np.ones((2, 3), np.float32), np.eye(2, dtype=int))
        )
    return folder


@pytest.fixture
def read(tmp_path, features):
    def run(text, **options):
        (tmp_path / "m.csv").write_text(text, encoding="utf-8")
        return Cohort.from_manifest(tmp_path / "m.csv", features=features, **options)

    return run


SURVIVAL = "slide_id,patient_id,months,died\nA,p,12.5,1\nB,q,3,0\nC,r,,1\nD,s,4,\nE,t,4,1\n"


def test_survival_reads_a_time_and_an_event(read):
    cohort = read(SURVIVAL, task={"name": "cox", "time_col": "months", "event_col": "died"})
    assert cohort.targets == [(12.5, 1.0), (3.0, 0.0)]
    assert cohort.classes == ()
    assert cohort.labels == ["months 12.5, died 1", "months 3, died 0"]
    assert cohort.strata == ["event", "censored"]
    assert cohort.left_out["C"] == "no time in column 'months'"
    assert cohort.left_out["D"] == "no event in column 'died'"
    assert "no feature file" in cohort.left_out["E"]
    assert cohort == read(SURVIVAL, task=Cox("months", "died"))
    assert cohort.subset([1]).targets == [(3.0, 0.0)]


def test_labels_numbers_and_grades(read):
    text = "slide_id,er,pr,markers,age,grade\nA,1,,b;a,61,10\nB,0,1,a,,9\nC,,,,,2\nD,1,0,;,50.5,\n"
    markers = read(text, task="multilabel", target_col="markers")
    assert markers.classes == ("a", "b")
    assert markers.targets == [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    each = read(text, task="multilabel", target_col="er,pr")
    assert each.classes == ("er", "pr")
    np.testing.assert_equal(each.targets, [(1.0, np.nan), (0.0, 1.0), (1.0, 0.0)])
    assert read(text, task="regression", target_col="age").targets == [(61.0,), (50.5,)]
    grades = read(text, task="ordinal", target_col="grade")
    assert (grades.classes, grades.targets) == (("2", "9", "10"), [2, 1, 0])
    assert grades.labels == ["10", "9", "2"]


def test_without_targets_nothing_is_read(read):
    cohort = read(SURVIVAL, task="cox", target_col=None)
    assert len(cohort) == 4
    assert set(cohort.targets) == {()}


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (
            "slide_id,time\nA,1\n",
            {"task": "cox"},
            r"expected a column 'event', got columns .*Name it with .*--event-col",
        ),
        (
            "slide_id,time,event\nA,soon,1\n",
            {"task": "cox"},
            r"'m.csv', line 2, slide 'A': expected a number in column 'time', got 'soon'",
        ),
        (
            "slide_id,time,event\nA,1,2\n",
            {"task": "cox"},
            r"line 2, slide 'A': expected 1 \(event\) or 0 .*'2'",
        ),
        ("slide_id,er\nA,maybe\n", {"task": "multilabel", "target_col": "er,er"}, r"expected 1 \(present\)"),
        (
            "slide_id,m\nA,a;x\n",
            {"task": "multilabel", "target_col": "m", "classes": ["a", "b"]},
            r"expected labels among \['a', 'b'\], got \['x'\]",
        ),
        (
            "slide_id,g\nA,low\nB,high\n",
            {"task": "ordinal", "target_col": "g"},
            "Give the order, lowest first",
        ),
        ("slide_id,v\nA,1,5\n", {"task": "regression", "target_col": "v,w"}, "expected a column 'w'"),
    ],
)
def test_what_is_refused(read, text, options, sentence):
    with pytest.raises(CohortError, match=sentence):
        read(text, **options)


def test_the_order_of_grades_may_be_given(read):
    cohort = read(
        "slide_id,g\nA,low\nB,high\n", task="ordinal", target_col="g", classes=["low", "mid", "high"]
    )
    assert cohort.targets == [0, 2]


def test_unknown_tasks(read):
    with pytest.raises(UnknownPartError, match=r"Registry 'task': expected one of .*got 'grading'"):
        read(SURVIVAL, task="grading")
