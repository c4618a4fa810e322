"""The synthetic tree cohorts: what a set can know, what only a graph can know, and how the dial turns."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.errors import LabelTreeError
from wsigraph.evaluation.tree_metrics import distances
from wsigraph.synthetic.hierarchy import slide_of_class, synthetic_tree, tree_cohort
from wsigraph.synthetic.tree_signal import SetSignal, SpatialSignal

DEEP = tree_from_dict(
    {"x": {"a": ["a1", "a2"], "b": ["b1", "b2"]}, "y": {"c": ["c1", "c2"]}},
    levels=("kingdom", "group", "subtype"),
)


def oracle(cohort, signal):
    """Lines by the nearest class mean of each slide's lesions: what a perfect set model answers."""
    means = signal.means(cohort.tree)
    seen = np.array([f.x[lesion].mean(0) for f, lesion in zip(cohort.features, cohort.lesions, strict=True)])
    best = np.square(seen[:, None] - means[None]).sum(2).argmin(1)
    return np.array([cohort.tree.line(-1, k) for k in best])


def touching(features, lesion):
    """Pairs of neighbouring lesions: what a graph can count."""
    return len(cKDTree(features.coords[lesion]).query_pairs(1.5 * 256))


def test_the_tree_has_the_shape_of_bracs():
    tree = synthetic_tree()
    assert [len(names) for names in tree.classes] == [3, 7]
    assert np.bincount(tree.ancestors()).tolist() == [3, 2, 2]


@pytest.mark.parametrize("dial", [0.1, 0.2, 0.3])
def test_siblings_overlap_as_the_dial_says(dial):
    """Two siblings lie sqrt(2) s d apart; a slide's mean spreads by its shift and by its lesions' noise."""
    signal = SetSignal(siblings=dial)
    cohort = tree_cohort(1400, seed=2, signal=signal)
    found = oracle(cohort, signal)
    assert (found[:, 0] == cohort.truth[:, 0]).all()
    pairs = cohort.truth[:, 0] > 0  # the two families of two
    spread = math.sqrt(signal.variation**2 + 1 / cohort.lesions[0].sum())
    known = norm.cdf(math.sqrt(2) * signal.strength * dial / 2 / spread)
    assert (found == cohort.truth).all(1)[pairs].mean() == pytest.approx(known, abs=0.03)


def test_mistakes_are_between_siblings():
    signal = SetSignal()
    cohort = tree_cohort(210, seed=3, signal=signal)
    apart = distances(cohort.truth, oracle(cohort, signal))
    assert set(apart) == {0.0, 1.0}


def test_dial_zero_makes_siblings_one_class():
    for signal in (SetSignal(siblings=0.0), SpatialSignal(siblings=0.0)):
        means = signal.means(synthetic_tree())
        assert len({tuple(row) for row in means.round(12)}) == 3
    assert set(SpatialSignal(siblings=0.0).clustered(synthetic_tree())) == {0.5}


def test_dial_one_makes_siblings_differ_as_much_as_groups():
    means = SetSignal(siblings=1.0, strength=2.0).means(synthetic_tree())
    gap = np.linalg.norm(means[:, None] - means[None], axis=2)
    assert gap[0, 1] == pytest.approx(2 * math.sqrt(2))
    assert gap[0, 3] == pytest.approx(4.0)  # of two orthogonal directions each


def test_spatial_siblings_are_known_to_the_graph():
    cohort = tree_cohort(210, seed=4, signal=SpatialSignal())
    counts = np.array(
        [touching(f, lesion) for f, lesion in zip(cohort.features, cohort.lesions, strict=True)]
    )
    for scattered, clustered in ((0, 2), (3, 4), (5, 6)):
        of = np.isin(cohort.truth[:, 1], (scattered, clustered))
        assert roc_auc_score(cohort.truth[of, 1] == clustered, counts[of]) > 0.99
    middle = counts[cohort.truth[:, 1] == 1].mean()
    assert counts[cohort.truth[:, 1] == 0].mean() < middle < counts[cohort.truth[:, 1] == 2].mean()


def test_spatial_siblings_are_the_same_sets():
    """Turning the dial moves the lesions and leaves the rows of every slide as they are."""
    clear, none = (tree_cohort(28, seed=5, signal=SpatialSignal(siblings=d)) for d in (1.0, 0.0))
    moved = 0
    for a, b, one, two in zip(clear.features, none.features, clear.lesions, none.lesions, strict=True):
        np.testing.assert_array_equal(np.sort(a.x, axis=0), np.sort(b.x, axis=0))
        np.testing.assert_array_equal(a.coords, b.coords)
        moved += (one != two).any()
    assert moved > 20
    signal = SpatialSignal()
    found = oracle(tree_cohort(700, seed=5, signal=signal), signal)
    truth = tree_cohort(700, seed=5, signal=signal).truth
    assert (found[:, 0] == truth[:, 0]).all()
    assert (found == truth).all(1).mean() == pytest.approx(3 / 7, abs=1e-9)  # the first of each family


def test_set_lesions_lie_anywhere():
    cohort = tree_cohort(140, seed=6, signal=SetSignal(siblings=1.0))
    counts = np.array(
        [touching(f, lesion) for f, lesion in zip(cohort.features, cohort.lesions, strict=True)]
    )
    of = np.isin(cohort.truth[:, 1], (3, 4))
    assert 0.25 < roc_auc_score(cohort.truth[of, 1] == 4, counts[of]) < 0.75


def test_a_share_of_slides_is_labelled_at_the_coarse_level_only():
    full, some = tree_cohort(40, seed=7), tree_cohort(40, seed=7, coarse_only=0.3)
    assert (some.labels[:, 1] == -1).sum() == 12
    np.testing.assert_array_equal(some.labels[:, 0], full.labels[:, 0])
    np.testing.assert_array_equal(some.truth, full.truth)
    known = some.labels[:, 1] >= 0
    np.testing.assert_array_equal(some.labels[known], some.truth[known])
    np.testing.assert_array_equal(full.labels, full.truth)
    for a, b in zip(full.features, some.features, strict=True):
        np.testing.assert_array_equal(a.x, b.x)


@pytest.mark.parametrize("signal", [SetSignal(), SpatialSignal()], ids=["set", "spatial"])
def test_cohorts_are_seeded_and_say_synthetic(signal):
    first, again, other = (tree_cohort(9, seed=s, signal=signal) for s in (1, 1, 2))
    more = tree_cohort(16, seed=1, signal=signal)
    np.testing.assert_array_equal(first.features[8].x, again.features[8].x)
    np.testing.assert_array_equal(first.features[8].x, more.features[8].x)
    assert not np.array_equal(first.features[8].x, other.features[8].x)
    assert all("synthetic" in f.slide_id and f.encoder == "synthetic" for f in first.features)
    assert all("synthetic" in patient for patient in first.patients)
    assert len(first) == 9
    assert {lesion.sum() for lesion in first.lesions} == {14}


def test_sister_slides_agree_and_a_fifth_of_the_patients_have_two():
    cohort = tree_cohort(84)
    lines: dict[str, set[tuple[int, ...]]] = {}
    for patient, line in zip(cohort.patients, cohort.truth.tolist(), strict=True):
        lines.setdefault(patient, set()).add(tuple(line))
    assert all(len(found) == 1 for found in lines.values())
    assert len(lines) == 70
    assert np.bincount(cohort.truth[:, 1]).tolist() == [12] * 7


@pytest.mark.parametrize("signal", [SetSignal(siblings=0.6), SpatialSignal(siblings=0.6)])
def test_three_levels_differ_less_and_less(signal):
    cohort = tree_cohort(36, seed=8, tree=DEEP, signal=signal)
    found = oracle(cohort, signal)
    assert (found[:, 0] == cohort.truth[:, 0]).mean() > 0.97
    assert (found[:, 1] == cohort.truth[:, 1]).mean() > 0.97
    gap = np.linalg.norm(signal.means(DEEP)[:, None] - signal.means(DEEP)[None], axis=2)
    near, further, far = gap[0, 1], gap[0, 2], gap[0, 4]
    assert near < further < far
    assert (near == 0) == isinstance(signal, SpatialSignal)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SetSignal(siblings=1.5), r"SetSignal: expected siblings of 0 \(the same\) to 1, got 1.5"),
        (lambda: replace(SpatialSignal(), siblings=-0.1), "SpatialSignal: .* got -0.1"),
        (
            lambda: tree_cohort(2, signal=SetSignal(in_channels=9)),
            "SetSignal: expected at least 10 channels, one per class, got 9",
        ),
        (lambda: tree_cohort(2, coarse_only=1.2), "a share coarse_only of 0..1, got 1.2"),
    ],
)
def test_what_cannot_be_made_is_refused(make, said):
    with pytest.raises(LabelTreeError, match=said):
        make()


def test_a_flat_tree_is_refused():
    with pytest.raises(LabelTreeError, match=r"a tree of two or more levels, got \['label'\]"):
        tree_cohort(2, tree=LabelTree(("label",), (("a", "b"),)))


def test_a_slide_of_a_true_list_shows_its_class_and_depends_on_nothing_else():
    tree, signal = synthetic_tree(), SetSignal(strength=8.0, siblings=1.0, variation=0.0, grid=8)
    made = {name: slide_of_class("true name", name, tree=tree, signal=signal) for name in tree.names()}
    means = dict(zip(tree.names(), signal.means(tree), strict=True))
    first = made["A1"]
    for name, features in made.items():
        assert features.slide_id == "true name"
        assert np.array_equal(features.coords, first.coords)
        moved = np.abs(features.x - first.x).max(1) > 1e-4  # its lesions, moved by the classes' difference
        assert moved.sum() == (0 if name == "A1" else round(0.15 * len(first)))
        change = features.x[moved] - first.x[moved]
        assert np.allclose(change, means[name] - means["A1"], atol=1e-5)
    assert np.array_equal(slide_of_class("true name", "B1", tree=tree, signal=signal).x, made["B1"].x)
    other = slide_of_class("other name", "B1", tree=tree, signal=signal)
    again = slide_of_class("true name", "B1", tree=tree, signal=signal, seed=1)
    assert not np.isclose(other.x[:9], made["B1"].x[:9]).any()
    assert not np.isclose(again.x[:9], made["B1"].x[:9]).any()


def test_a_slide_without_signal_is_the_same_whatever_its_class():
    tree, nothing = synthetic_tree(), SetSignal(strength=0.0)
    made = [slide_of_class("true name", name, tree=tree, signal=nothing) for name in tree.names()]
    assert all(np.array_equal(features.x, made[0].x) for features in made)
    with pytest.raises(LabelTreeError, match=r"a class of .*, got 'nothing'"):
        slide_of_class("true name", "nothing", tree=tree)
