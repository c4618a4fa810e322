"""Nested folds: what is tested outside is never seen inside."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.training.nested_splits import nested_folds
from wsigraph.training.splits import make_folds


@given(folds=st.integers(2, 4), inner=st.integers(2, 3), more=st.integers(0, 5), seed=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_properties(folds, inner, more, seed):
    owners = [f"{c}{p}" for c in "ab" for p in range(8 + more) for _ in range(1 + p % 2)]
    labels = [patient[0] for patient in owners]
    nested = nested_folds(labels, owners, folds=folds, inner_folds=inner, seed=seed)
    assert [split.outer for split in nested] == make_folds(labels, owners, folds=folds, seed=seed)
    for split in nested:
        assert [(one.repeat, one.fold) for one in split.inner] == [(0, f) for f in range(inner)]
        outside = {owners[i] for i in split.outer.test}
        within = sorted((*split.outer.train, *split.outer.val))
        assert sorted(i for one in split.inner for i in one.test) == within  # each once
        for one in split.inner:
            assert sorted((*one.train, *one.val, *one.test)) == within
            sides = [{owners[i] for i in side} for side in (one.train, one.val, one.test)]
            assert not outside & set.union(*sides)
            assert sum(map(len, sides)) == len(set.union(*sides))
    assert nested[0].inner != nested[-1].inner
