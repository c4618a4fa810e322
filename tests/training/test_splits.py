"""Folds by patient and class; nothing on two sides; plain words where it cannot be done."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, LeakError
from wsigraph.training.seeds import mix
from wsigraph.training.splits import Split, check_leaks, make_folds, split_off


def cohort(patients_per_class, *, slides=(1, 2, 3), seed=0):
    """Labels and patients; patients have 1 to 3 slides of one class."""
    rng, labels, patients = np.random.default_rng(seed), [], []
    for name, count in patients_per_class.items():
        for p in range(count):
            for _ in range(rng.choice(slides)):
                labels.append(name)
                patients.append(f"{name}{p}")
    order = rng.permutation(len(labels))
    return [labels[i] for i in order], [patients[i] for i in order]


@given(
    sizes=st.lists(st.integers(4, 12), min_size=2, max_size=4),
    folds=st.integers(2, 4),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=40, deadline=None)
def test_properties_of_folds(sizes, folds, seed):
    labels, patients = cohort({f"c{i}": n for i, n in enumerate(sizes)}, seed=seed)
    splits = make_folds(labels, patients, folds=folds, repeats=2, seed=seed)
    assert [(s.repeat, s.fold) for s in splits] == [(r, f) for r in range(2) for f in range(folds)]
    for repeat in range(2):
        tested = [i for s in splits if s.repeat == repeat for i in s.test]
        assert sorted(tested) == list(range(len(labels)))  # every slide once
        for name in set(labels):
            held = [
                len({patients[i] for i in s.test if labels[i] == name}) for s in splits if s.repeat == repeat
            ]
            assert max(held) - min(held) <= 1  # patients of a class are dealt evenly
    assert splits == make_folds(labels, patients, folds=folds, repeats=2, seed=seed)
    for split in splits:
        sides = [set(split.train), set(split.val), set(split.test)]
        assert sorted(i for side in sides for i in side) == list(range(len(labels)))
        owners = [{patients[i] for i in side} for side in sides]
        assert not owners[0] & owners[1]
        assert not owners[0] & owners[2]
        assert not owners[1] & owners[2]
        assert {labels[i] for i in split.train} == set(labels)  # no class is never seen
        assert split.val


def test_folds_are_stratified():
    labels, patients = cohort({"common": 40, "rare": 10}, slides=(1,))
    for split in make_folds(labels, patients, folds=5):
        assert Counter(labels[i] for i in split.test) == {"common": 8, "rare": 2}
        assert Counter(labels[i] for i in split.val)["rare"] >= 1


def test_folds_come_from_the_seed():
    labels, patients = cohort({"a": 10, "b": 10})
    first, same, other = (make_folds(labels, patients, folds=5, seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert first != other
    repeats = make_folds(labels, patients, folds=5, repeats=2, seed=1)
    assert repeats[:5] == first
    assert [s.test for s in repeats[:5]] != [s.test for s in repeats[5:]]


@pytest.mark.parametrize(
    ("sizes", "folds", "sentence"),
    [
        ({"a": 8}, 2, r"Cross-validation: expected at least 2 classes, got \['a'\]"),
        (
            {"a": 8, "b": 1},
            3,
            r"expected at least 3 patients in every class for 3 folds, got 'b' has 1. Use fewer",
        ),
        ({"a": 2, "b": 1}, 3, "got 'a' has 2, 'b' has 1"),
        ({"a": 8, "b": 8}, 1, "expected at least 2 folds, got 1"),
        ({"a": 8, "b": 2}, 2, "expected at least 2 patients of every class outside the test fold, got"),
    ],
)
def test_what_cannot_be_split_is_said(sizes, folds, sentence):
    labels, patients = cohort(sizes)
    with pytest.raises(CohortError, match=sentence):
        make_folds(labels, patients, folds=folds)


def test_a_class_whose_slides_all_come_from_one_patient():
    labels, patients = ["a"] * 6 + ["b"] * 6, [f"p{i}" for i in range(6)] + ["q"] * 6
    with pytest.raises(CohortError, match="'b' has 1"):
        make_folds(labels, patients, folds=2)


def test_leaks_are_named():
    split = Split(0, 3, (0, 1), (2,), (3,))
    with pytest.raises(
        LeakError,
        match=r"Fold 3 of repeat 0: expected every patient on one side, got patient 'p' in train and test",
    ):
        check_leaks(split, ["p", "q", "r", "p"])
    with pytest.raises(LeakError, match=r"features with hash 'x' in train and val"):
        check_leaks(split, ["p", "q", "r", "s"], ["x", "y", "x", "z"])
    check_leaks(split, ["p", "p", "r", "s"], ["x", "x", "y", "z"])  # the same side is no leak


def test_split_off_is_by_patient_and_class():
    labels, patients = cohort({"a": 14, "b": 14})
    train, val = split_off(labels, patients, share=0.15, seed=0)
    assert sorted(train + val) == list(range(len(labels)))
    assert not {patients[i] for i in train} & {patients[i] for i in val}
    assert {labels[i] for i in val} == {"a", "b"}
    assert 0.05 < len(val) / len(labels) < 0.3


def test_mixed_seeds_are_fixed_forever_and_differ():
    assert mix(0, "train", 0, 0) == 9049802857590921173  # the first 63 bits of sha256 of "0/train/0/0"
    made = {mix(s, w, e, i) for s in range(3) for w in ("train", "val") for e in range(10) for i in range(10)}
    assert len(made) == 600
    assert all(0 <= value < 2**63 for value in made)
    assert mix(1, 23) != mix(12, 3)


def test_a_patient_with_slides_of_two_classes_stays_together():
    labels, patients = cohort({"a": 8, "b": 8}, slides=(1,))
    labels += ["a", "b"] * 2
    patients += ["both0", "both0", "both1", "both1"]
    for split in make_folds(labels, patients, folds=3):
        for side in (split.train, split.val, split.test):
            inside = {patients[i] for i in side}
            assert all(sum(patients[i] == p for i in side) == patients.count(p) for p in inside)


def test_a_class_found_only_beside_another_is_in_training_too():
    labels = ["a"] * 8 + ["b", "c"] * 3
    patients = [f"a{i}" for i in range(8)] + [f"bc{i // 2}" for i in range(6)]
    for split in make_folds(labels, patients, folds=3):
        assert {labels[i] for i in split.train} == {"a", "b", "c"}


def test_a_rare_class_does_not_swell_the_validation_side():
    labels, patients = cohort({"common": 40, "rare": 4}, slides=(1,))
    for split in make_folds(labels, patients, folds=4):
        assert len(split.val) <= 6
        assert Counter(labels[i] for i in split.val)["rare"] == 1
