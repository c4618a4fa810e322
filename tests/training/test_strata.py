"""Strata of patients: one each, none too small for the folds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError
from wsigraph.training.splits import draw_folds
from wsigraph.training.strata import patient_strata


def test_a_patient_has_one_stratum_the_rarest_of_its_slides():
    strata, patients = ["a", "b", "a", "a", "b", "a"], ["p", "p", "q", "r", "s", "t"]
    assert patient_strata(strata, patients, folds=1) == ["b", "b", "a", "a", "b", "a"]


def test_small_strata_are_joined_smallest_first():
    strata = ["x"] * 9 + ["a"] * 2 + ["b"] * 3 + ["c"]
    names = [str(i) for i in range(15)]
    assert Counter(patient_strata(strata, names, folds=3)) == {"x": 9, "b": 3, "c or a": 3}
    assert Counter(patient_strata(strata, names, folds=4)) == {"x": 9, "b or c or a": 6}


def test_one_stratum_is_enough():
    assert set(patient_strata(["event"] * 5, list("abcde"), folds=2)) == {"event"}


def test_too_few_patients():
    with pytest.raises(
        CohortError, match=r"at least 5 patients for 5 folds and validation, got 4\. Use fewer"
    ):
        patient_strata(list("abcd"), list("abcd"), folds=5)


@given(
    members=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 15)), min_size=8, max_size=60),
    folds=st.integers(2, 4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_folds_can_be_drawn_of_any_strata(members, folds, seed):
    strata, patients = [s for s, _ in members], [f"p{p}" for _, p in members]
    if len(set(patients)) < max(folds, 4):
        return
    mine = patient_strata(strata, patients, folds=folds)
    assert all(len({s for s, q in zip(mine, patients, strict=True) if q == p}) == 1 for p in set(patients))
    splits = draw_folds(mine, patients, folds=folds, seed=seed)
    assert sorted(i for s in splits for i in s.test) == list(range(len(members)))
    for split in splits:
        assert split.train
        assert split.val
        assert split.test
