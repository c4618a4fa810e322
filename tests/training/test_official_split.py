"""The split a manifest brings: its sides as given, validation drawn where there is none, leaks refused."""

from __future__ import annotations

import pytest

from wsigraph.errors import CohortError, LeakError
from wsigraph.training.official_split import official_split, overlap_told, patients_on_several_sides

LABELS = ["a", "b"] * 10
PATIENTS = [f"p{i}" for i in range(20)]


def test_sides_are_taken_as_they_are_in_any_spelling():
    sides = ["Train", "training", "val", " test "] * 5
    split = official_split(sides, LABELS, PATIENTS, seed=0)
    assert split.train == tuple(i for i in range(20) if i % 4 < 2)
    assert split.val == tuple(range(2, 20, 4))
    assert split.test == tuple(range(3, 20, 4))


def test_validation_is_drawn_from_training_patients_of_each_class_alone():
    sides = ["train"] * 14 + ["test"] * 6
    splits = [official_split(sides, LABELS, PATIENTS, seed=seed, share=0.3) for seed in range(4)]
    for split in splits:
        assert split.test == tuple(range(14, 20))
        assert sorted((*split.train, *split.val)) == list(range(14))
        assert {LABELS[i] for i in split.val} == {"a", "b"}
        assert len(split.val) == 4
    assert len({split.val for split in splits}) > 1
    assert splits[0] == official_split(sides, LABELS, PATIENTS, seed=0, share=0.3)


def test_slides_of_a_patient_stay_together():
    patients = [f"p{i // 2}" for i in range(20)]
    labels = [("a", "b")[(i // 2) % 2] for i in range(20)]
    split = official_split(["train"] * 16 + ["test"] * 4, labels, patients, seed=1, share=0.4)
    assert not {patients[i] for i in split.train} & {patients[i] for i in split.val}


@pytest.mark.parametrize(
    ("sides", "sentence"),
    [
        (["train"] * 19 + [""], r"one of train, val and test for every slide, got \[''\] for 1 of 20"),
        (["train"] * 19 + ["hold"], r"\['hold'\] for 1 of 20 slides"),
        (["train"] * 20, "slides to train on and to test, got 20 and 0"),
        (["test"] * 20, "got 0 and 20"),
    ],
)
def test_a_split_that_is_none_is_refused(sides, sentence):
    with pytest.raises(CohortError, match=sentence):
        official_split(sides, LABELS, PATIENTS, seed=0)


def test_a_patient_on_two_sides_is_refused():
    with pytest.raises(LeakError, match="patient 'p0' in train and test"):
        official_split(["train"] * 10 + ["test"] * 10, LABELS, [*PATIENTS[:10], *PATIENTS[:10]], seed=0)


def test_patients_on_several_sides_are_counted_side_by_side():
    sides = ["Training", "train", "validation", "test", "val", "testing", "train"]
    patients = ["67", "67", "67", "67", "b", "b", "alone"]
    found = patients_on_several_sides(sides, patients)
    assert found == {"67": {"train": 2, "val": 1, "test": 1}, "b": {"val": 1, "test": 1}}
    assert patients_on_several_sides(["train", "test"], ["a", "b"]) == {}


def test_an_overlap_is_told_by_number_and_by_name():
    one = {"67": {"train": 3, "val": 1}}
    assert overlap_told(one) == "1 patient has slides on more than one side: '67' (train 3, val 1)"
    many = {f"p{i}": {"train": 1, "val": 1} for i in range(7)}
    told = overlap_told(many)
    assert told.startswith("7 patients have slides on more than one side: 'p0' (train 1, val 1), 'p1'")
    assert told.endswith("'p4' (train 1, val 1) and 2 more")
