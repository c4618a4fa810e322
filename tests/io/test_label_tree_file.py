"""Label trees from files, and against the official lists."""

from __future__ import annotations

import csv
import gzip
import json
import re

import pytest

from wsigraph.data.label_tree.labels import labels_of_names
from wsigraph.data.label_tree.ready import READY, ready_tree
from wsigraph.errors import LabelTreeError
from wsigraph.io.label_tree_file import label_tree_of_manifest, read_label_tree

CSV = (
    "subtype,group\nN,benign\nPB,benign\nUDH,benign\n"
    "FEA,atypical\nADH,atypical\nDCIS,malignant\nIC,malignant\n"
)


def test_a_table_is_read_fine_to_coarse(tmp_path):
    (tmp_path / "tree.csv").write_text(CSV)
    assert read_label_tree(tmp_path / "tree.csv") == ready_tree("bracs")
    (tmp_path / "tree.tsv").write_text("\ufeff" + CSV.replace(",", "\t").replace("\nADH", "\n\n ADH "))
    assert read_label_tree(tmp_path / "tree.tsv") == ready_tree("bracs")


def test_three_levels(tmp_path):
    (tmp_path / "t.csv").write_text("fine,coarse,coarser\na1,a,x\nb1,b,x\na2,a,x\nc1,c,y\n")
    tree = read_label_tree(tmp_path / "t.csv")
    assert tree.levels == ("coarser", "coarse", "fine")
    assert tree.names() == ("a1", "b1", "a2", "c1")
    assert tree.ancestors().tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "fine,coarse\na,x\nb\n",
            r"'t.csv', line 3: .* each of the levels \['fine', 'coarse'\], got \['b'\]",
        ),
        ("fine,coarse\n\na,x\nb,y,z\n", r"'t.csv', line 4: .* got \['b', 'y', 'z'\]"),
        ("fine,coarse\na,x\nb,\n", r"Label tree 't.csv': .*level 'coarse' of \['b'\]: .* got ''"),
        ("fine,coarse\na,x\na,y\nb,x\n", r"'t.csv': .* one parent of each class, got 'a' below \['x', 'y'\]"),
        ("fine,coarse\na,b\nb,a\n", "'t.csv': .* its own ancestor"),
        ("fine,coarse\na,x\na,x\nb,x\n", r"'t.csv': .* every class once, got \['a'\]"),
        ("fine,coarse\n", "a header and at least one line, got 1 lines"),
        ("fine,fine\na,x\nb,y\n", r"'t.csv': .* every level once, got \['fine'\]"),
    ],
)
def test_broken_tables_are_refused_with_file_and_line(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(LabelTreeError, match=said):
        read_label_tree(tmp_path / "t.csv")


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(LabelTreeError, match="a readable CSV file"):
        read_label_tree(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelTreeError, match="a readable CSV file"):
        read_label_tree(tmp_path / "b.csv")


def test_a_manifest_implies_its_tree(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("slide_id,group,subtype\ns1,B,b1\ns2,A,a2\ns3,A,\ns4,,a1\ns5,A,a1\n")
    tree = label_tree_of_manifest(path, columns=("group", "subtype"))
    assert tree.classes == (("A", "B"), ("a1", "a2", "b1"))
    assert tree.parents == ((0, 0, 1),)
    with pytest.raises(LabelTreeError, match=r"'m.csv': expected columns for levels, of .*, got \['type'\]"):
        label_tree_of_manifest(path, columns=("group", "type"))
    with pytest.raises(LabelTreeError, match="got none"):
        label_tree_of_manifest(path, columns=())
    path.write_text("slide_id,group,subtype\ns1,B,b1\ns2,A,b1\n")
    with pytest.raises(LabelTreeError, match=r"Manifest 'm.csv': .* 'b1' below \['B', 'A'\]"):
        label_tree_of_manifest(path, columns=("group", "subtype"))


@pytest.mark.real
def test_bracs_agrees_with_two_official_lists(real_data):
    tree = ready_tree("bracs")
    groups = {"BT": "benign", "AT": "atypical", "MT": "malignant"}
    with open(real_data / "manifests/acmil/bracs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 547
    numbers = {}
    for row in rows:
        group, kind = re.search(r"Group_(\w\w)/Type_(\w+)/", row["full_path"]).groups()
        coarse, fine = labels_of_names(tree, (groups[group], kind), where=row["slide_id"])
        assert tree.names("group")[coarse] == groups[group]
        numbers.setdefault(int(row["label"]), set()).add(fine)
    assert all(len(found) == 1 for found in numbers.values())
    with gzip.open(real_data / "manifests/hmil/BRACS_10fold.json.gz") as file:
        labels = json.load(file)["labels"]
    assert set(labels.values()) == set(tree.names())


@pytest.mark.real
def test_panda_grades_are_the_classes_of_its_tree(real_data):
    with open(real_data / "manifests/panther/panda_train.csv", newline="") as file:
        grades = {row["isup_grade"] for row in csv.DictReader(file)}
    assert grades == set(ready_tree("panda").names())
    assert [sorted(names) for names in READY["panda"][1].values()] == [["0"], ["1", "2"], ["3", "4", "5"]]
