"""Hard negatives against a sort of everything: the right ones, the right number, the nearest classes
first."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.errors import CohortError, FeatureError, RecipeError
from wsigraph.training.mining.hard_negatives import hard_negatives
from wsigraph.training.mining.hardest import Candidates, number_of, take_top
from wsigraph.training.mining.scored import ScoredSlide


def slide(name, label, scores):
    return ScoredSlide(name, label, np.asarray(scores, np.float32))


@st.composite
def cohorts(draw, labels=(0, 1)):
    """Slides of the labels, with many ties among the scores."""
    values = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.99, 1.0])
    sizes = st.lists(values, max_size=12)
    some = draw(st.lists(st.tuples(st.sampled_from(labels), sizes), max_size=6))
    some += [(label, [*draw(sizes), 0.5]) for label in labels]
    return [slide(f"s{i}", label, scores) for i, (label, scores) in enumerate(some)]


def pairs(chosen):
    return list(zip(chosen.slide.tolist(), chosen.patch.tolist(), strict=True))


@settings(max_examples=200, deadline=None)
@given(cohorts(), st.floats(0.01, 1.0), st.integers(0, 9))
def test_two_classes_give_the_highest_scores_of_all_negative_slides(slides, ratio, seed):
    found = hard_negatives(slides, ratio=ratio, seed=seed)
    every = {(i, p): s for i, one in enumerate(slides) if one.label == 0 for p, s in enumerate(one.scores)}
    taken = pairs(found.chosen)
    assert len(taken) == len(set(taken)) == math.ceil(round(ratio * len(every), 6))
    assert set(taken) <= set(every)
    assert taken == sorted(taken)
    assert sorted(every[key] for key in taken) == sorted(every.values())[len(every) - len(taken) :]
    (tier,) = found.tiers
    assert (tier.classes, tier.patches, tier.taken) == ((0,), len(every), len(taken))
    assert tier.threshold == min(every[key] for key in taken)
    assert tier.tied == sum(score == tier.threshold for score in every.values())


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.5])
def test_without_ties_it_is_the_quantile_rule(ratio):
    rng = np.random.default_rng(4)
    slides = [slide(f"n{i}", 0, rng.random(700)) for i in range(4)] + [slide("p", 1, rng.random(900))]
    found = hard_negatives(slides, ratio=ratio)
    negatives = np.concatenate([one.scores for one in slides[:4]])
    threshold = np.quantile(negatives.astype(np.float64), 1 - ratio)
    wanted = [(i, p) for i in range(4) for p in np.flatnonzero(slides[i].scores > threshold).tolist()]
    assert pairs(found.chosen) == wanted


def test_a_ratio_of_one_takes_every_negative_patch():
    slides = [slide("a", 0, [0.1, 0.2]), slide("b", 1, [0.9]), slide("c", 0, [0.3])]
    assert pairs(hard_negatives(slides, ratio=1.0).chosen) == [(0, 0), (0, 1), (2, 0)]


def test_among_saturated_scores_each_slide_has_the_same_chance():
    slides = [slide(f"n{i}", 0, np.ones(100)) for i in range(10)] + [slide("p", 1, [1.0])]
    counts = np.zeros(10)
    for seed in range(200):
        chosen = hard_negatives(slides, ratio=0.05, seed=seed).chosen
        assert len(chosen) == 50
        counts += np.bincount(chosen.slide, minlength=11)[:10]
    expected, spread = 1000.0, math.sqrt(200 * 50 * 0.1 * 0.9 * 950 / 999)  # hypergeometric
    assert (np.abs(counts - expected) < 4 * spread).all()


def test_the_same_seed_takes_the_same_patches_and_another_takes_others():
    slides = [slide("n", 0, np.ones(1000)), slide("p", 1, [1.0])]
    first, again, other = (pairs(hard_negatives(slides, seed=s).chosen) for s in (1, 1, 2))
    assert first == again != other


def test_unknown_slides_give_nothing():
    slides = [slide("u", -1, [1.0] * 50), slide("n", 0, [0.1, 0.2]), slide("p", 1, [0.9])]
    assert pairs(hard_negatives(slides, ratio=0.5).chosen) == [(1, 1)]


MANY = [  # class 0 is mined, class 1 its sibling, classes 2 and 3 lie farther away
    slide("c", 0, [0.9] * 5),
    slide("near", 1, np.linspace(0.0, 0.5, 100)),
    slide("far", 2, np.linspace(0.5, 1.0, 200)),
    slide("farther", 3, np.linspace(0.6, 1.0, 100)),
]


@pytest.mark.parametrize(
    ("order", "reach", "taken"),
    [
        ([[1], [2, 3]], 2.0, [20, 20]),  # 10 % of 400: the sibling gives 2 x 10 of them
        ([[1], [2, 3]], 1.0, [10, 30]),
        ([[1], [2, 3]], 100.0, [40, 0]),
        ([[1], [2], [3]], 1.5, [15, 25, 0]),
        ([[3], [2], [1]], 1.5, [15, 25, 0]),
        ([[1, 2, 3]], 2.0, [40]),
        ([[4], [1, 2, 3]], 2.0, [40]),  # a class without slides is passed over
    ],
)
def test_nearest_classes_give_first(order, reach, taken):
    found = hard_negatives(MANY, target=0, ratio=0.1, order=order, reach=reach)
    assert [tier.taken for tier in found.tiers] == taken
    assert len(found.chosen) == sum(taken) == 40
    for tier in found.tiers:  # within a group its hardest
        scores = np.concatenate([one.scores for one in MANY if one.label in tier.classes])
        wanted = np.sort(scores)[len(scores) - tier.taken :]
        mine = [MANY[s].scores[p] for s, p in pairs(found.chosen) if MANY[s].label in tier.classes]
        assert sorted(mine) == wanted.tolist()
        assert tier.threshold == (wanted[0] if tier.taken else None)


@settings(max_examples=100, deadline=None)
@given(cohorts(labels=(0, 1, 2, 3)), st.floats(0.01, 1.0), st.floats(1.0, 5.0), st.permutations([1, 2, 3]))
def test_any_order_takes_the_same_number(slides, ratio, reach, order):
    groups = [[label] for label in order]
    found = hard_negatives(slides, target=0, ratio=ratio, order=groups, reach=reach)
    total = sum(len(one.scores) for one in slides if one.label != 0)
    assert len(found.chosen) == len(set(pairs(found.chosen))) == math.ceil(round(ratio * total, 6))
    assert all(slides[s].label != 0 for s, _ in pairs(found.chosen))


@pytest.mark.parametrize("order", [[[1]], [[1], [1, 2, 3]], [[0], [1, 2, 3]]])
def test_an_order_must_name_each_other_class_once(order):
    with pytest.raises(CohortError, match=r"an order of the classes \[1, 2, 3\]"):
        hard_negatives(MANY, target=0, order=order)


def test_a_cohort_of_one_class_is_refused():
    with pytest.raises(CohortError, match="class 1: expected slides of another class, got none among 2"):
        hard_negatives([slide("a", 1, [0.5]), slide("b", -1, [0.5])])


@pytest.mark.parametrize("options", [{"ratio": 0.0}, {"ratio": 5.0}, {"reach": 0.5}])
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(RecipeError, match="a ratio above 0 and up to 1, a reach of 1 or more"):
        hard_negatives(MANY, target=0, **options)


def test_scores_must_be_one_finite_float_per_patch_and_slides_named_once():
    with pytest.raises(FeatureError, match=r"slide 'x': expected one float per patch.*\[2, 2\]"):
        slide("x", 0, np.zeros((2, 2)))
    with pytest.raises(FeatureError, match="slide 'x': expected finite scores, got 1 NaN"):
        slide("x", 0, [0.1, np.nan])
    with pytest.raises(CohortError, match="each slide once, got 'a' more often"):
        hard_negatives([slide("a", 0, [0.1]), slide("a", 1, [0.1])])


@pytest.mark.parametrize(
    ("share", "total", "count"), [(0.05, 100, 5), (0.07, 100, 7), (0.2, 7, 2), (1, 9, 9)]
)
def test_a_share_of_a_whole_number_is_that_number(share, total, count):
    assert number_of(share, total) == count


def test_nothing_wanted_is_nothing_taken():
    top = take_top(Candidates([np.ones(3)], floor=2.0), 0, seed=0)
    assert (top.threshold, top.count, [len(rows) for rows in top.rows]) == (None, 0, [0])
