"""Split files: out and in again, whoever reads them; refused where they are not for this manifest."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, LeakError
from wsigraph.io.cohort import Cohort, Slide
from wsigraph.io.splits import NamedSplit, SplitSet, read_splits, splits_for, write_splits
from wsigraph.io.splits.named import name_splits
from wsigraph.training.splits import make_folds


def drawn(cohort, *, folds=3, repeats=2, seed=0):
    splits = make_folds(cohort.labels, cohort.patients, folds=folds, repeats=repeats, seed=seed)
    names = [slide.slide_id for slide in cohort.slides]
    return splits, SplitSet(
        name_splits(splits, names), "here", "kfold", "labels.csv", cohort.source["sha256"], ("patients",)
    )


def written(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@given(seed=st.integers(0, 999), folds=st.integers(2, 4), repeats=st.integers(1, 2))
@settings(max_examples=15, deadline=None)
def test_what_is_written_is_read_again_by_all_three(tmp_path_factory, seed, folds, repeats):
    out = tmp_path_factory.mktemp("splits")
    slides = tuple(Slide(f"S{i}", f"p{i // 2}", "ab"[i // 2 % 2], out) for i in range(24))
    cohort = Cohort(slides, ("a", "b"), source={"manifest": "labels.csv", "sha256": "ab" * 32})
    splits, named = drawn(cohort, folds=folds, repeats=repeats, seed=seed)
    write_splits(named, cohort, out)
    own = read_splits(out)
    assert replace(own, where="here") == named
    assert splits_for(own, cohort) == (splits, [])
    (out / "splits.json").rename(out / "away.json")
    apart = [(0, f) for f in range(folds)] if repeats == 1 else [(i, 0) for i in range(folds * repeats)]
    expected = [replace(s, repeat=r, fold=f) for s, (r, f) in zip(splits, apart, strict=True)]
    assert splits_for(read_splits(out), cohort) == (expected, [])  # CLAM's files
    assert splits_for(read_splits(out / "patho_bench.tsv"), cohort) == (expected, [])


def test_clams_files_are_as_clam_writes_them(tmp_path, cohort):
    split = NamedSplit(0, 0, ("S0", "S1", "S2"), ("S3",), ("S4", "S5"))
    write_splits(SplitSet((split,), "here"), cohort, tmp_path)
    text = (tmp_path / "splits_0.csv").read_text()
    assert text == ",train,val,test\n0,S0,S3,S4\n1,S1,,S5\n2,S2,,\n"
    table = list(csv.reader((tmp_path / "patho_bench.tsv").read_text().splitlines(), delimiter="\t"))
    assert table[0] == ["case_id", "slide_id", "label", "fold_0"]
    assert table[1] == ["p0", "S0", "a", "train"]
    assert table[4:8] == [
        [f"p{i}", f"S{i}", "ab"[i % 2], s] for i, s in enumerate(("val", "test", "test", ""), 3)
    ]


def test_files_of_clam_by_their_numbers_and_others_passed_over(tmp_path):
    for fold in (0, 10, 2):
        written(tmp_path, f"splits_{fold}.csv", f"train,val,test\nA{fold}.svs,B,C{fold}\n")
    written(tmp_path, "splits_0_bool.csv", ",train,val,test\nA0,True,False,False\n")
    assert [split.test for split in read_splits(tmp_path).splits] == [("C0",), ("C2",), ("C10",)]


def test_a_folder_of_other_splits_is_left_alone(tmp_path, cohort):
    three, two = drawn(cohort)[1], drawn(cohort, folds=2)[1]
    write_splits(three, cohort, tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    write_splits(three, cohort, tmp_path)  # the same again
    with pytest.raises(CohortError, match="no splits, or the same, got 6 others"):
        write_splits(two, cohort, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    (tmp_path / "splits.json").unlink()
    with pytest.raises(CohortError, match="got 6 others"):
        write_splits(three, cohort, tmp_path)


def test_splits_for_another_manifest_are_refused(tmp_path, cohort):
    write_splits(drawn(cohort)[1], cohort, tmp_path)
    other = replace(cohort, source={"manifest": "new.csv", "sha256": "cd" * 32})
    said = r"splits of manifest 'new.csv' \(sha256 cdcd.* got splits drawn for 'labels.csv' \(sha256 abab"
    with pytest.raises(CohortError, match=said):
        splits_for(read_splits(tmp_path / "splits.json"), other)


def test_names_that_mean_the_same_slide_and_names_that_mean_none(tmp_path, cohort):
    lines = "train,val,test\nS0.svs,S2,S4\nS1,S3,S5\nS10,,GONE\n"
    splits, notes = splits_for(read_splits(written(tmp_path, "one.csv", lines)), cohort)
    assert (splits[0].train, splits[0].val, splits[0].test) == ((0, 1, 10), (2, 3), (4, 5))
    assert "1 slides ('GONE') of it are not in the cohort" in notes[0]
    assert "5 slides ('S6', 'S7', 'S8', 'S9', 'S11') of the cohort stand in none of its sides" in notes[1]


def test_a_fold_without_validation_gets_some_by_patient(tmp_path, cohort):
    rows = "\n".join(f"p{i % 10},S{i},x,{'test' if i in (4, 5) else 'train'}" for i in range(12))
    table = written(tmp_path, "t.csv", f"case_id,slide_id,label,fold_0\n{rows}\n")
    (split,), notes = splits_for(read_splits(table), cohort, seed=3)
    assert split.test == (4, 5)
    assert not notes
    assert {cohort.labels[i] for i in split.val} == {"a", "b"}
    assert sorted((*split.train, *split.val)) == [0, 1, 2, 3, *range(6, 12)]
    assert splits_for(read_splits(table), cohort, seed=3)[0] == [split]
    assert not {cohort.patients[i] for i in split.train} & {cohort.patients[i] for i in split.val}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "train,test\nS0,S0\n", "fold 0 .*: expected every slide once, got 'S0' in train and test"),
        ("a.csv", "train,test\nS0,\n", "slides to train on and to test, got 1 and 0"),
        ("a.csv", "train,val,test\nS0,S0.svs,S2\n", "every slide once, got several names of 'S0'"),
        (
            "a.csv",
            "train,val,test\nX,S1,S2\n",
            "slides of the cohort to train on and .* got 0 of 1 and 1 of 1",
        ),
        ("a.csv", "slide_id,label\nS0,a\n", r"columns train, val and test, or slide_id and fold_0"),
        ("a.tsv", "slide_id\tfold_0\nS0\tboth\n", "line 2, fold_0: expected train, val, test or nothing"),
        ("a.json", "[]", "wsigraph_splits 1, got list"),
        ("a.json", "{", "a file of splits"),
        ("a.json", '{"wsigraph_splits": 2}', "wsigraph_splits 1, got 2"),
        ("a.json", '{"wsigraph_splits": 1}', "KeyError: 'splits'"),
        ("x/none.txt", "", r"splits.json, splits_0.csv and so on"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, cohort, name, text, said):
    path = written(tmp_path, name, text)
    with pytest.raises(CohortError, match=said):
        splits_for(read_splits(path.parent if name.startswith("x/") else path), cohort)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"train": "S0"}, "a side is no list of names"),
        ({"test": [1]}, "a side is no list of names"),
        ({"fold": -1}, "repeat and fold count from 0"),
        ({"fold": 1}, r"every fold of every repeat once, got \[\(0, 1\)\]"),
    ],
)
def test_our_own_file_altered_is_refused(tmp_path, row, said):
    good = {"repeat": 0, "fold": 0, "train": ["S0"], "val": ["S1"], "test": ["S2"]}
    told = {
        "wsigraph_splits": 1,
        "kind": "k",
        "manifest": {"name": "m", "sha256": ""},
        "checked": [],
        "overlap": [],
    }
    path = written(tmp_path, "splits.json", json.dumps({**told, "splits": [{**good, **row}]}))
    with pytest.raises(CohortError, match=said):
        read_splits(path)


def test_a_patient_on_two_sides_is_a_leak(tmp_path, cohort):
    table = written(tmp_path, "a.csv", "train,val,test\nS0,S1,S10\n")
    with pytest.raises(LeakError, match="patient 'p0' in train and test"):
        splits_for(read_splits(table), cohort)


@pytest.mark.real
def test_public_files_of_splits_are_read(real_data):
    lists = real_data / "manifests"
    (bracs,) = read_splits(lists / "mambamil" / "BRACS_official_splits_0.csv").splits
    assert tuple(map(len, bracs.sides.values())) == (394, 64, 87)  # two slides of BRACS are not in it
    (camelyon,) = read_splits(lists / "transmil" / "camelyon16_fold0.csv").splits
    assert len(camelyon.test) == 129
    assert sum(map(len, camelyon.sides.values())) == 399
