"""Leave-site-out: every site tested once, by nobody who saw it."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, LeakError
from wsigraph.training.site_splits import leave_site_out


def cohort(sizes, *, seed):
    """Labels, patients and sites: of each site 4 to 4 + size patients, of two classes in turn."""
    rng, rows = np.random.default_rng(seed), []
    for site, size in enumerate(sizes):
        for patient in range(4 + size):
            rows += [("ab"[patient % 2], f"{site}-{patient}", f"s{site}")] * int(rng.integers(1, 3))
    rows = [rows[i] for i in rng.permutation(len(rows))]
    return [list(column) for column in zip(*rows, strict=True)]


@given(sizes=st.lists(st.integers(0, 6), min_size=3, max_size=7), seed=st.integers(0, 999), data=st.data())
@settings(max_examples=30, deadline=None)
def test_properties(sizes, seed, data):
    labels, patients, sites = cohort(sizes, seed=seed)
    folds = data.draw(st.one_of(st.none(), st.integers(2, len(sizes))))
    splits = leave_site_out(labels, patients, sites, folds=folds, seed=seed)
    assert len(splits) == (folds or len(sizes))
    assert sorted(i for split in splits for i in split.test) == list(range(len(labels)))  # each once
    for split in splits:
        assert sorted((*split.train, *split.val, *split.test)) == list(range(len(labels)))
        assert not {sites[i] for i in split.test} & {sites[i] for i in (*split.train, *split.val)}
        assert not {patients[i] for i in split.train} & {patients[i] for i in split.val}
        assert {labels[i] for i in split.val} == {"a", "b"}
    assert splits == leave_site_out(labels, patients, sites, folds=folds, seed=seed)


def cost(assigned, sites, labels, folds):
    """Sum over folds and classes of the squared share of the class."""
    held, totals = Counter(), Counter(labels)
    for site, label in zip(sites, labels, strict=True):
        held[assigned[site], label] += 1
    return sum((held[f, c] / totals[c]) ** 2 for f in range(folds) for c in totals)


def test_sites_are_dealt_nearly_as_evenly_as_any_way_of_dealing_them():
    labels, patients, sites = cohort([9, 6, 5, 3, 2, 2], seed=0)
    splits = leave_site_out(labels, patients, sites, folds=3)
    mine = {sites[i]: split.fold for split in splits for i in split.test}
    names = sorted(set(sites))
    best = min(
        cost(dict(zip(names, way, strict=True)), sites, labels, 3) for way in product(range(3), repeat=6)
    )
    worst = cost(dict.fromkeys(names, 0), sites, labels, 3)
    assert best <= cost(mine, sites, labels, 3) < best + 0.02 * (worst - best)


def test_what_cannot_be_is_refused():
    labels, patients, sites = cohort([1, 1, 1], seed=0)
    with pytest.raises(CohortError, match="at least 4 sites, got 0 slides without and 3 sites"):
        leave_site_out(labels, patients, sites, folds=4)
    with pytest.raises(CohortError, match="got 1 slides without and 3 sites"):
        leave_site_out(labels, patients, ["", *sites[1:]])
    with pytest.raises(CohortError, match="at least 2 sites, got 0 slides without and 1 sites"):
        leave_site_out(labels, patients, ["one"] * len(sites))
    with pytest.raises(CohortError, match="at least 2 folds, got 1"):
        leave_site_out(labels, patients, sites, folds=1)
    other = next(i for i, site in enumerate(sites) if site != sites[0])
    there = [patients[0] if i == other else patient for i, patient in enumerate(patients)]
    with pytest.raises(LeakError, match="every patient on one side"):
        leave_site_out(labels, there, sites)
