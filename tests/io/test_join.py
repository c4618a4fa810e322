"""A manifest beside a folder of features: names that mean the same meet, others are told with a reason."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError
from wsigraph.io.cohort import Cohort
from wsigraph.io.features import write_features
from wsigraph.io.join import MATCHED, UNLABELLED, UNMATCHED, UNUSED, Join, join, write_join
from wsigraph.io.slide_names import Names, bare, likely_causes

UUID = ".83fce43e-42ac-4dcd-b156-2908e75f2e47"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        *((f"A1{suffix}", "A1") for suffix in (".svs", ".ndpi", ".TIFF", ".ome.tif", ".mrxs", UUID)),
        (f"TCGA-02-0001-01Z-00-DX1{UUID}.svs", "TCGA-02-0001-01Z-00-DX1"),
        ("P1.2", "P1.2"),  # a slide's number is no suffix: 'P1.1' is another slide
        ("2014.05.01_7", "2014.05.01_7"),
        (".svs", ".svs"),
    ],
)
def test_what_of_a_name_is_no_part_of_the_slide(name, wanted):
    assert bare(name) == wanted


def test_names_meet_whichever_side_has_the_suffix_and_only_where_one_is_meant():
    names = Names(("A", "B.svs", f"C{UUID}", "D.svs", "D.ndpi", "E", "E.svs"))
    assert [names.same_as(n) for n in ("A.svs", "B", "B.ndpi", "C", "c")] == [
        *("A", "B.svs", "B.svs", f"C{UUID}", None),
    ]
    assert names.same_as("D") is None  # the one or the other
    assert names.same_as("D.svs") == "D.svs"
    assert names.same_as("E") == "E"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sets(st.text("abAB.-_1", min_size=1, max_size=5)), st.text("abAB.-_1", min_size=1, max_size=5))
def test_a_name_that_is_there_is_always_found_and_another_never_for_it(known, name):
    found = Names(tuple(known)).same_as(name)
    assert found == name if name in known else found is None or bare(found) == bare(name)


def test_likely_causes():
    others = ["a_2", "B_patches", f"C{UUID}", "E-x", "TCGA-02-0001", "G.svs", "G.ndpi"]
    names = ["A_2", "B", "c", "E", "E-x_1", "TCGA-02-0001-01Z-00-DX1", "G", "F", "B_"]
    assert likely_causes(names, others) == {
        "A_2": "'a_2' differs by upper and lower case",
        "B": "'B_patches' goes on with '_patches'",
        "c": f"'C{UUID}' differs by upper and lower case",
        "E": "'E-x' goes on with '-x'",
        "E-x_1": "'E-x' lacks '_1'",
        "TCGA-02-0001-01Z-00-DX1": "'TCGA-02-0001' lacks '-01Z-00-DX1'",
        "G": "several could be meant: 'G.ndpi', 'G.svs'",
        "F": "",
        "B_": "",
    }


def test_a_name_that_only_begins_alike_is_no_cause():
    assert likely_causes(["A1"], ["A10", "A11"]) == {"A1": ""}


def test_every_slide_of_either_side_stands_in_one_state():
    found = join(
        [("A.svs", "A"), ("B", "B"), ("C", "C"), ("D", None), ("E", None)],
        ["A", "B", "C", "d", "F"],
        {"C": "no label in column 'label'"},
    )
    assert found.to_dict() == {
        MATCHED: {"A.svs": "as 'A'", "B": ""},
        UNLABELLED: {"C": "no label in column 'label'"},
        UNMATCHED: {"D": "'d' differs by upper and lower case", "E": ""},
        UNUSED: {"d": "'D' differs by upper and lower case", "F": ""},
    }
    assert found.counts == {MATCHED: 2, UNLABELLED: 1, UNMATCHED: 2, UNUSED: 2}
    assert found.listed(MATCHED, most=1) == "A.svs; and 1 more"
    assert found.listed(UNUSED) == "d ('D' differs by upper and lower case); F"


def test_the_file_has_a_line_per_slide(tmp_path):
    write_join(tmp_path / "join.csv", Join({MATCHED: {"A,1": ""}, UNUSED: {"B": 'a "b"'}}))
    with open(tmp_path / "join.csv", encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["slide_id", "state", "remark"],
            ["A,1", MATCHED, ""],
            ["B", UNUSED, 'a "b"'],
        ]


@pytest.fixture
def read(tmp_path):
    def run(text, names=("A", "B.svs", "c", "D_feats")):
        for name in names:
            coords = np.array([[0, 0], [256, 0]])
            write_features(tmp_path / "F" / f"{name}.h5", PatchFeatures(name, np.ones((2, 3), "f4"), coords))
        (tmp_path / "labels.csv").write_text(text)
        return Cohort.from_manifest(tmp_path / "labels.csv", features=tmp_path / "F")

    return run


def test_a_cohort_knows_how_its_manifest_and_its_files_met(read):
    cohort = read("slide_id,label\nA.svs,x\nB,y\nC,x\nD,y\n")
    assert [slide.slide_id for slide in cohort.slides] == ["A", "B.svs"]
    assert cohort.join.to_dict() == {
        MATCHED: {"A.svs": "as 'A'", "B": "as 'B.svs'"},
        UNLABELLED: {},
        UNMATCHED: {"C": "'c' differs by upper and lower case", "D": "'D_feats' goes on with '_feats'"},
        UNUSED: {"D_feats": "'D' lacks '_feats'", "c": "'C' differs by upper and lower case"},
    }
    assert cohort.left_out["C"] == "no feature file of 'C' in F/: 'c' differs by upper and lower case"


def test_where_nothing_meets_three_names_of_each_side_are_told(read):
    wanted = (
        r"got none of 4 \(W: no feature file of 'W' in F/; X: .*; Y: [^;]*; F/ has 4 feature files: "
        r"'A', 'B\.svs', 'D_feats'\)\. Check --features and --id-col\."
    )
    with pytest.raises(CohortError, match=wanted):
        read("slide_id,label\nW,x\nX,y\nY,x\nZ,y\n")
    with pytest.raises(CohortError, match=r"none of 1 \(A: no label in column 'label'\). Check --target-col"):
        read("slide_id,label\nA,\n")
