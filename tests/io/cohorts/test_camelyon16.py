"""CAMELYON16: the official lists, what is odd in them, and what is refused."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest

from wsigraph.errors import CohortError, UnknownPartError
from wsigraph.io.cohorts.base import PublicCohort
from wsigraph.io.cohorts.make import cohort, public_slides, write_manifest


def test_the_challenges_own_reference_lists_tests_and_the_training_slides_are_known(tmp_path):
    reference = tmp_path / "reference.csv"
    reference.write_text("test_001,Tumor,IDC,Macro\ntest_003,Normal,None,None\n")
    slides = public_slides("camelyon16", reference)
    counts = Counter((slide.split, slide.label) for slide in slides)
    assert counts == {
        ("train", "normal"): 159,
        ("train", "tumour"): 111,
        ("test", "tumour"): 1,
        ("test", "normal"): 1,
    }
    names = {slide.slide_id for slide in slides}
    assert {"normal_160", "tumor_111"} <= names
    assert "normal_086" not in names
    sizes = PublicCohort.registry.make("camelyon16").sizes(slides)
    assert sizes == (
        "CAMELYON16: 80 test 'normal' slides are published, the list has 1.",
        "CAMELYON16: 49 test 'tumour' slides are published, the list has 1.",
    )


def test_a_cohort_is_trained_from_the_manifest_that_is_written(tmp_path, features_of):
    table = tmp_path / "list.csv"
    table.write_text(
        "case_id,slide_id,label\nx,tumor_001.tif,1\nx,normal_001,0\ny,test_114,1\ny,test_002,0\n"
    )
    folder = features_of("tumor_001", "normal_001", "test_114")
    one = cohort("camelyon16", table, features=folder, out=tmp_path / "labels.csv")
    assert [(s.slide_id, s.patient_id, s.label, s.split) for s in one.slides] == [
        ("tumor_001", "tumor_001", "tumour", "train"),
        ("normal_001", "normal_001", "normal", "train"),
        ("test_114", "test_114", "tumour", "test"),
    ]
    assert one.classes == ("normal", "tumour")
    assert set(one.left_out) == {"test_002"}
    assert any("slide 'test_114': not all of its tumour is outlined" in note for note in one.notes)
    assert (tmp_path / "labels.csv").read_text().splitlines()[:2] == [
        "slide_id,patient_id,label,split",
        "tumor_001,tumor_001,tumour,train",
    ]
    fewer = cohort(
        "camelyon16", table, features=folder, out=tmp_path / "labels.csv", leave_out=["odd", "tumor_001"]
    )
    assert [s.slide_id for s in fewer.slides] == ["normal_001"]
    assert not any("outlined" in note for note in fewer.notes)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("slide_id,label\nnormal_001,1\n", "the class that its name 'normal_001' says, got 'tumour'"),
        ("slide_id,label\nslide_1,1\n", r"line 2: expected normal_###, tumor_### or test_###, got 'slide_1'"),
        ("slide_id,label\ntest_001,2\n", r"line 2, slide 'test_001': expected one of .* got '2'"),
        ("slide_id,label\ntest_001,1\ntest_001,1\n", r"every slide once, got \['test_001'\] more than once"),
        ("slide_id,class\ntest_001,1\n", r"expected columns \['label'\], got \['slide_id', 'class'\]"),
        ("slide_id,label\ntest_001\n", "line 2: expected 2 cells, as the header has, got 1"),
        ("slide_id,label\n", "got no slide"),
        ("test_001\n", "got ''"),
        ("", "at least one line"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(tmp_path, lines, said):
    table = tmp_path / "list.csv"
    table.write_text(lines)
    with pytest.raises(CohortError, match=said):
        public_slides("camelyon16", table)


def test_where_the_slides_are_is_said_when_they_are_missing(tmp_path):
    with pytest.raises(CohortError, match=r"acmil/camelyon16.csv.*grand-challenge.org.*licence: CC0"):
        public_slides("camelyon16", tmp_path)
    table = tmp_path / "list.csv"
    table.write_text("slide_id,label\ntest_001,1\n")
    with pytest.raises(CohortError, match=r"feature files of 1 slides, got none. The slides of CAMELYON16"):
        cohort("camelyon16", table, features=tmp_path / "none", out=tmp_path / "labels.csv")
    with pytest.raises(CohortError, match=r"slides or patients to leave out, got \['test_999'\]"):
        public_slides("camelyon16", table, leave_out=["test_999"])
    with pytest.raises(CohortError, match="a readable CSV file"):
        public_slides("camelyon16", tmp_path / "none.csv")
    with pytest.raises(UnknownPartError, match="Did you mean 'camelyon16'"):
        public_slides("camelyon_16", table)


@pytest.mark.real
def test_the_public_list_has_the_published_sizes(real_data, tmp_path):
    public, lists = PublicCohort.registry.make("camelyon16"), real_data / "manifests"
    slides = public_slides(public, lists)
    assert len(slides) == 399
    assert public.sizes(slides) == ()
    known = {slide.slide_id: slide.label for slide in slides}
    with open(lists / "transmil" / "camelyon16_fold0.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    other = {
        row[side]: public.classes[int(float(row[f"{side}_label"]))]
        for side in ("train", "val", "test")
        for row in rows
        if row[side]
    }
    assert other == known
    tests = {slide.slide_id for slide in slides if slide.split == "test"}
    one = json.loads((lists / "acmil" / "camelyon_split_1.json").read_text())
    assert set(one["test_names"]) == tests
    bags = (lists / "hnm" / "test_bags.txt").read_text().split()
    assert {bag.strip("/").rsplit("/", 1)[-1] for bag in bags} == tests
    reference = tmp_path / "reference.csv"
    reference.write_text("".join(f"{name},{known[name]}\n" for name in sorted(tests)))
    assert {(s.slide_id, s.label) for s in public_slides(public, reference)} == set(known.items())
    assert write_manifest(slides, tmp_path / "m.csv").read_text().count("\n") == 400
