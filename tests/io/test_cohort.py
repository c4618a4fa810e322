"""Manifests: what is read, what is left out by name, what is refused in plain words."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    for name in ("A", "B", "C", "TCGA-AA-0001"):
        coords = np.array([[0, 0], [256, 0]])
        write_features(folder / f"{name}.h5", PatchFeatures(name, np.ones((2, 3), np.float32), coords))
    return folder


@pytest.fixture
def read(tmp_path, features):
    def run(text, **options):
        file = tmp_path / "labels.csv"
        file.write_text(text, encoding=options.pop("encoding", "utf-8"))
        return Cohort.from_manifest(file, features=features, **options)

    return run


def test_a_plain_manifest(read):
    cohort = read("slide_id,patient_id,label,site,split\nA,p,x,s1,train\nB,p,y,s2,test\nC,q,x,,\n")
    assert [s.slide_id for s in cohort.slides] == ["A", "B", "C"]
    assert cohort.patients == ["p", "p", "q"]
    assert cohort.classes == ("x", "y")
    assert cohort.targets == [0, 1, 0]
    assert [s.site for s in cohort.slides] == ["s1", "s2", ""]
    assert [s.split for s in cohort.slides] == ["train", "test", ""]
    assert not cohort.left_out
    assert not cohort.notes
    assert len(cohort.source["sha256"]) == 64


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("slide_id\tpatient_id\tlabel\nA\tp\tx\nB\tq\ty\n", {}),  # tabs
        ("\ufeffslide_id,patient_id,label\r\nA,p,x\r\nB,q,y\r\n", {}),  # a spreadsheet's mark and line ends
        ('slide_id,patient_id,label\n"A","p",x\n B ,q, y \n', {}),  # quotes and blanks
        (
            "case_id,slide,grade\np,A,x\nq,B,y\n",
            {"id_col": "slide", "patient_col": "case_id", "target_col": "grade"},
        ),
        ("slide_id,patient_id,label\nA.svs,p,x\nB.ndpi,q,y\n", {}),  # slide suffixes
    ],
)
def test_manifests_as_they_come(read, text, options):
    cohort = read(text, **options)
    assert [(s.slide_id, s.patient_id, s.label) for s in cohort.slides] == [("A", "p", "x"), ("B", "q", "y")]


def test_given_classes_set_the_order(read):
    cohort = read("slide_id,label\nA,x\nB,y\n", classes=["y", "x", "z"])
    assert cohort.targets == [1, 0]


def test_without_patients_each_slide_is_its_own_and_this_is_said_once(read):
    cohort = read("slide_id,label\nA,x\nB,y\n")
    assert cohort.patients == ["A", "B"]
    assert len(cohort.notes) == 1
    assert "'labels.csv' has no column 'patient_id': each slide counts as its own patient" in cohort.notes[0]


def test_missing_files_and_labels_are_named_counted_and_left_out(read):
    cohort = read("slide_id,patient_id,label\nA,p,x\nB,q,\nC,r,NaN\nGONE,s,y\nTCGA-AA-0001,t,y\n")
    assert [s.slide_id for s in cohort.slides] == ["A", "TCGA-AA-0001"]
    assert set(cohort.left_out) == {"B", "C", "GONE"}
    assert cohort.left_out["B"] == "no label in column 'label'"
    assert cohort.left_out["GONE"].startswith("no feature file of 'GONE'")
    assert cohort.notes == (
        "3 of 5 slides were left out: B (no label in column 'label'); C (no label in column 'label'); "
        f"GONE ({cohort.left_out['GONE']}).",
    )


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, "expected a header and at least one row, got 0 lines"),
        ("slide_id,label\n", {}, "expected a header and at least one row, got 1 lines"),
        (
            "id,label\nA,x\n",
            {},
            r"expected a column 'slide_id', got columns \['id', 'label'\]. Name it with --id-col",
        ),
        ("slide_id,grade\nA,x\n", {}, r"expected a column 'label', got columns .*Name it with --target-col"),
        (
            "slide_id,label\n../../etc/passwd,x\n",
            {},
            r"'labels.csv', line 2: expected letters.*got '../../etc/passwd'",
        ),
        ("slide_id,label\nA,x\nB/C,x\n", {}, "line 3: expected letters, digits"),
        ("slide_id,label\nA,x\n..,x\n", {}, r"line 3: expected .*got '\.\.'"),
        ("slide_id,label\nA,x\nCON,x\n", {}, "line 3: expected .*got 'CON'"),
        ("slide_id,label\nA,x\n,y\n", {}, "line 3: expected .*got ''"),
        (
            "slide_id,label\nA,x\nB,y\nA,y\n",
            {},
            r"line 4: expected every slide id once, got 'A' again \(first in line 2\)",
        ),
        ("slide_id,label\nA,x\nA.svs,y\n", {}, "line 3: expected every slide id once, got 'A"),
        (
            "slide_id,label\nX,x\nY,y\n",
            {},
            r"at least one slide with a label and a feature file, got none of 2 \(X: no",
        ),
        (
            "slide_id,label\nA,x\nB,q\n",
            {"classes": ["x", "y"]},
            r"expected labels among \['x', 'y'\], got \['q'\]",
        ),
    ],
)
def test_what_is_refused(read, text, options, sentence):
    with pytest.raises(CohortError, match=sentence):
        read(text, **options)


def test_a_manifest_that_is_not_there(tmp_path, features):
    with pytest.raises(CohortError, match=r"expected a readable CSV file, got .*No such file"):
        Cohort.from_manifest(tmp_path / "none.csv", features=features)


def test_a_manifest_that_is_no_text(tmp_path, features):
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x01PK")
    with pytest.raises(CohortError, match="expected a readable CSV file, got"):
        Cohort.from_manifest(tmp_path / "a.csv", features=features)


def test_subsets_and_failures(read):
    cohort = read("slide_id,label\nA,x\nB,y\nC,x\n")
    assert [s.slide_id for s in cohort.subset([2, 0]).slides] == ["C", "A"]
    less = cohort.without({"B": "broken"})
    assert [s.slide_id for s in less.slides] == ["A", "C"]
    assert less.left_out == {"B": "broken"}
    assert less.classes == ("x", "y")
