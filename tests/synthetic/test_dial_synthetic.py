"""Synthetic cohorts with a dial: twins prove that a set knows nothing, neighbour counts that a graph does."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.metrics import roc_auc_score

from wsigraph.errors import CohortError, UnknownPartError
from wsigraph.graph.builders.knn import KNN
from wsigraph.graph.builders.shuffled import Shuffled
from wsigraph.synthetic.arrangement import tissue_cells
from wsigraph.synthetic.dial import (
    KINDS,
    Arrangement,
    arranged_cohort,
    arranged_slide,
    full_degree,
    kind_means,
    loosened,
    shares_cohort,
)
from wsigraph.synthetic.features import features_of_cells

WATCHED = {
    "adjacency": (1, 2, +1),
    "boundary": (1, 2, +1),
    "clustering": (1, 1, +1),
    "gradient": (1, 2, -1),
    "nesting": (0, 1, -1),
}
"""For each arrangement two kinds, and whether class 1 has more (+1) or fewer (-1) neighbours of them."""
SLIDES = 100


def kinds_of(x):
    """Kind of each row by the nearest mean."""
    return np.linalg.norm(x[:, None] - kind_means()[None], axis=2).argmin(axis=1)


def pair_score(features, name):
    """Neighbouring pairs of the two kinds that tell the classes apart, walked pair by pair."""
    one, other, sign = WATCHED[name]
    kinds, count = kinds_of(features.x), 0
    for a, b in cKDTree(features.coords).query_pairs(1.5 * 256):
        count += sorted((kinds[a], kinds[b])) == [one, other]
    return sign * count


def auc(cohort, name, change=lambda features: features):
    return roc_auc_score(cohort.labels, [pair_score(change(f), name) for f in cohort.features])


def in_order(x):
    return x[np.lexsort(x.T)]


def test_every_arrangement_is_tested():
    assert Arrangement.registry.names() == sorted(WATCHED)


@pytest.mark.parametrize("name", WATCHED)
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_twins_hold_the_same_rows_at_the_same_places(name, strength):
    """So any function of the set of rows, or of the set of places, has one value for both labels."""
    for index in range(4):
        first, second = (arranged_slide(name, index, label=label, strength=strength) for label in (0, 1))
        np.testing.assert_array_equal(in_order(first.x), in_order(second.x))
        np.testing.assert_array_equal(first.coords, second.coords)
        assert (first.x == second.x).all() == (strength == 0.0)  # at 0 the label is not looked at


@pytest.mark.parametrize("name", WATCHED)
def test_a_cohort_is_made_of_such_slides(name):
    cohort = arranged_cohort(name, 4, seed=3, strength=0.6)
    for index, features in enumerate(cohort.features):
        assert cohort.labels[index] == index % 2
        alone = arranged_slide(name, index, label=index % 2, seed=3, strength=0.6)
        np.testing.assert_array_equal(features.x, alone.x)


@pytest.mark.parametrize("name", WATCHED)
def test_neighbours_tell_the_classes_at_full_strength_and_not_at_none(name):
    assert auc(arranged_cohort(name, SLIDES, seed=1), name) >= 0.95
    assert 0.35 < auc(arranged_cohort(name, SLIDES, seed=1, strength=0.0), name) < 0.65


@pytest.mark.parametrize("name", WATCHED)
def test_shuffled_coordinates_destroy_the_answer(name):
    assert 0.35 < auc(arranged_cohort(name, SLIDES, seed=1), name, Shuffled(seed=2).placed) < 0.65


@pytest.mark.parametrize("name", WATCHED)
def test_the_dial_turns_from_nothing_to_everything(name):
    """Mean difference of the pair counts between twins grows with the strength."""
    gaps = []
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        twins = [
            [pair_score(arranged_slide(name, i, label=y, strength=strength), name) for y in (0, 1)]
            for i in range(12)
        ]
        gaps.append(float(np.diff(twins, axis=1).mean()))
    assert gaps[0] == 0.0
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("name", WATCHED)
def test_an_arrangement_counts_alike_for_both_labels_and_stays_where_it_may(name):
    part = Arrangement.registry.get(name)()
    for index in range(10):
        allowed = full_degree(tissue_cells(np.random.default_rng(index), 20, count=243))
        kinds = [part.kinds(np.random.default_rng([index, y]), allowed, label=y) for y in (0, 1)]
        counts = [np.bincount(one[allowed], minlength=KINDS).tolist() for one in kinds]
        assert counts[0] == counts[1]
        assert counts[0][1] > 2
        assert not any(one[~allowed].any() for one in kinds)


def test_what_is_arranged_has_eight_neighbours_each():
    """In the default graph, so that degrees are no way to the label."""
    for index in range(10):
        tissue = tissue_cells(np.random.default_rng(index), 20, count=243)
        cells = np.argwhere(tissue)[:, ::-1]
        degree = np.bincount(KNN(k=8).edges(features_of_cells(0, np.zeros((243, 1)), cells)).index[1])
        assert set(degree[full_degree(tissue)[tissue]].tolist()) == {8}
        assert len(set(degree.tolist())) > 1


def test_loosening_keeps_the_counts_and_the_share():
    kinds = np.repeat([0, 1, 2], [50, 30, 20])
    for strength in (0.0, 0.4, 1.0):
        out = loosened(np.random.default_rng(0), kinds, strength)
        assert Counter(out.tolist()) == Counter(kinds.tolist())
        assert (out != kinds).sum() <= round((1 - strength) * 100)
    other = np.random.default_rng(1).permutation(kinds)
    np.testing.assert_array_equal(
        loosened(np.random.default_rng(0), kinds, 0.0), loosened(np.random.default_rng(0), other, 0.0)
    )


def test_shares_are_known_to_the_set_and_turn_with_the_dial():
    def share_auc(strength):
        cohort = shares_cohort(SLIDES, seed=1, strength=strength)
        return roc_auc_score(cohort.labels, [(kinds_of(f.x) == 1).mean() for f in cohort.features])

    assert share_auc(1.0) == 1.0
    assert 0.35 < share_auc(0.0) < 0.65


def test_shares_say_nothing_by_their_places():
    """Kind 1 meets itself as often as chance has it: k (k - 1) of n (n - 1) pairs, k of n patches."""
    ratio = []
    for features in shares_cohort(40, seed=2).features:
        first = kinds_of(features.x) == 1
        n, k = len(first), int(first.sum())
        pairs = cKDTree(features.coords).query_pairs(1.5 * 256, output_type="ndarray")
        ratio.append(first[pairs].all(axis=1).mean() / (k * (k - 1) / (n * (n - 1))))
    assert np.mean(ratio) == pytest.approx(1.0, abs=4 * np.std(ratio) / np.sqrt(len(ratio)))


@pytest.mark.parametrize("make", [partial(arranged_cohort, "nesting", 4), partial(shares_cohort, 4)])
def test_cohorts_are_seeded_and_say_synthetic(make):
    first, again, other = make(seed=1), make(seed=1), make(seed=2)
    np.testing.assert_array_equal(first.features[2].x, again.features[2].x)
    assert not np.array_equal(first.features[2].x, other.features[2].x)
    assert all("synthetic" in f.slide_id and f.encoder == "synthetic" for f in first.features)
    with pytest.raises(CohortError, match=r"strength of 0\.\.1, got 1\.5"):
        make(strength=1.5)
    with pytest.raises(CohortError, match="at least 18 cells, got 8"):
        make(grid=8)


def test_an_unknown_arrangement_is_refused_by_name():
    with pytest.raises(UnknownPartError, match="clustering"):
        arranged_cohort("clusters", 2)
