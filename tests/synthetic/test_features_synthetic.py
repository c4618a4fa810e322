"""The synthetic feature cohorts: what a set can know, what a graph can know."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.metrics import roc_auc_score

from wsigraph.synthetic.features import arrangement_cohort, composition_cohort


def neighbour_score(features):
    """Mean agreement of a row with its eight neighbours along the direction that tells the kinds apart."""
    direction = 1.0 - 2.0 * (np.arange(features.x.shape[1]) % 2)
    along = features.x @ direction
    pairs = cKDTree(features.coords).query_pairs(1.5 * 256, output_type="ndarray")
    centred = along - along.mean()
    return (centred[pairs[:, 0]] * centred[pairs[:, 1]]).mean()


def set_score(features):
    """The share that a perfect set model would read."""
    direction = 1.0 - 2.0 * (np.arange(features.x.shape[1]) % 2)
    return (features.x @ direction > features.x.shape[1]).mean()


def test_arrangement_is_known_to_the_graph_and_not_to_the_set():
    cohort = arrangement_cohort(80, seed=3)
    assert roc_auc_score(cohort.labels, [neighbour_score(f) for f in cohort.features]) > 0.95
    assert 0.3 < roc_auc_score(cohort.labels, [set_score(f) for f in cohort.features]) < 0.7


def test_arrangement_composition_is_exactly_the_same_in_every_slide():
    cohort = arrangement_cohort(10, seed=0, strength=50.0)  # kinds so far apart that a sign tells them
    counts = {int((f.x[:, 0] > 50).sum()) for f in cohort.features}
    assert len(counts) == 1
    assert len({len(f) for f in cohort.features}) == 1


def test_shuffled_coords_keep_the_rows_and_destroy_the_answer():
    kept, shuffled = arrangement_cohort(80, seed=3), arrangement_cohort(80, seed=3, shuffle_coords=True)
    for before, after in zip(kept.features, shuffled.features, strict=True):
        np.testing.assert_array_equal(np.sort(before.x[:, 0]), np.sort(after.x[:, 0]))
        np.testing.assert_array_equal(before.coords, after.coords)
    assert roc_auc_score(shuffled.labels, [neighbour_score(f) for f in shuffled.features]) < 0.7


def test_strength_zero_tells_nothing():
    cohort = arrangement_cohort(80, seed=3, strength=0.0)
    assert roc_auc_score(cohort.labels, [neighbour_score(f) for f in cohort.features]) < 0.7


def test_composition_is_known_to_the_set():
    cohort = composition_cohort(40, seed=0)
    assert roc_auc_score(cohort.labels, [set_score(f) for f in cohort.features]) == 1.0


@pytest.mark.parametrize("make", [arrangement_cohort, composition_cohort])
def test_cohorts_are_seeded_and_say_synthetic(make):
    first, again, other = make(4, seed=1), make(4, seed=1), make(4, seed=2)
    np.testing.assert_array_equal(first.features[2].x, again.features[2].x)
    assert not np.array_equal(first.features[2].x, other.features[2].x)
    assert all("synthetic" in f.slide_id and f.encoder == "synthetic" for f in first.features)
    assert all("synthetic" in patient for patient in first.patients)
    assert len(first) == 4
