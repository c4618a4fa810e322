"""BRACS: its own sheet and a public list, the official split, the tree."""

from __future__ import annotations

import csv
import gzip
import json

import pytest

from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import CohortError
from wsigraph.io.cohorts.bracs import Bracs
from wsigraph.io.cohorts.make import cohort, public_slides


def test_its_own_sheet_names_patients_and_sides(tmp_path, features_of):
    sheet = tmp_path / "bracs.csv"
    sheet.write_text(
        "WSI Filename,Patient Id,RoI number,WSI label,Set\n"
        "BRACS_1,67,3,PB,Training\nBRACS_2,67,1,IC,Validation\nBRACS_3,5,1,ADH,Testing\n"
    )
    folder = features_of("BRACS_1", "BRACS_2", "BRACS_3")
    out, tree = tmp_path / "labels.csv", Bracs().label_tree
    found = cohort("bracs", sheet, features=folder, out=out, task=Hierarchy(tree))
    assert [(s.patient_id, s.split, s.label) for s in found.slides] == [
        ("67", "train", "PB"),
        ("67", "val", "IC"),
        ("5", "test", "ADH"),
    ]
    assert found.task.tree.names("group") == ("benign", "atypical", "malignant")
    assert "BRACS: 120 train 'PB' slides are published, the list has 1." in found.notes
    assert cohort("bracs", sheet, features=folder, out=out).classes == tree.names()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("BRACS_1,7,train", "expected one of .*, got '7'"),
        ("BRACS_1,6,fold", "expected train, val or test, got 'fold'"),
    ],
)
def test_what_is_no_class_or_side_is_refused(tmp_path, line, said):
    table = tmp_path / "list.csv"
    table.write_text(f"slide_id,label,split\n{line}\n")
    with pytest.raises(CohortError, match=f"line 2, slide 'BRACS_1': {said}"):
        public_slides("bracs", table)


@pytest.mark.real
def test_a_public_list_has_the_published_sizes_and_agrees_with_two_others(real_data):
    lists, public = real_data / "manifests", Bracs()
    slides = public_slides(public, lists)
    assert len(slides) == 547
    assert public.sizes(slides) == ()
    with open(lists / "mambamil" / "BRACS_official_splits_0.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    sides = {row[side]: side for side in ("train", "val", "test") for row in rows if row[side]}
    mine = {slide.slide_id: slide.split for slide in slides}
    assert {name: mine[name] for name in sides} == sides
    assert sorted(set(mine) - set(sides)) == ["BRACS_1003660", "BRACS_1003717"]
    with gzip.open(lists / "hmil" / "BRACS_10fold.json.gz") as file:
        labels = json.load(file)["labels"]
    assert labels == {s.slide_id: s.label for s in slides if s.slide_id in labels}
