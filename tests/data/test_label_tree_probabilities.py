"""Probabilities over a tree: loops, exhaustive search for the best answer, and both kinds of array."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.probabilities import (
    all_levels,
    chained,
    coarse_probabilities,
    consistent_answers,
    expected_right,
)
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.errors import LabelTreeError

DEEP = LabelTree(
    ("kingdom", "group", "subtype"),
    (("x", "y"), ("a", "b", "c"), ("b1", "a1", "c1", "a2", "b2", "c2")),
    ((0, 1, 0), (1, 0, 2, 0, 1, 2)),
)
TREES = {"bracs": ready_tree("bracs"), "cytology": ready_tree("cytology"), "deep": DEEP}


def answers(tree, rows, seed, *, sharp=1.0):
    """Independent random distributions at each level: they contradict each other often."""
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.full(len(names), sharp), rows) for names in tree.classes]


@pytest.fixture(params=TREES)
def tree(request):
    """A tree of two or three levels."""
    return TREES[request.param]


def test_coarse_probability_is_the_sum_of_its_finest_classes(tree):
    fine = answers(tree, 9, 0)[-1]
    for at in range(tree.num_levels):
        found = coarse_probabilities(fine, tree, level=at)
        for i in range(9):
            for c in range(len(tree.classes[at])):
                parts = [fine[i, f] for f in range(fine.shape[1]) if tree.line(-1, f)[at] == c]
                assert found[i, c] == pytest.approx(sum(parts), rel=1e-12)
        np.testing.assert_allclose(found.sum(1), 1.0)


def test_chain_equals_a_loop_over_lines(tree):
    levels = answers(tree, 7, 1)
    found = chained(levels, tree)
    for i in range(7):
        for f in range(len(tree.names())):
            line, q = tree.line(-1, f), 1.0
            for at, k in enumerate(line):
                family = [
                    j for j in range(len(tree.classes[at])) if tree.line(at, j)[:at] == tree.line(at, k)[:at]
                ]
                q *= levels[at][i, k] / sum(levels[at][i, j] for j in family)
            assert found[i, f] == pytest.approx(q, rel=1e-12)
    np.testing.assert_allclose(found.sum(1), 1.0)
    np.testing.assert_allclose(coarse_probabilities(found, tree), levels[0], atol=1e-12)


def test_levels_that_agree_are_left_as_they_are(tree):
    fine = answers(tree, 8, 2)[-1]
    levels = all_levels(fine, tree)
    np.testing.assert_allclose(chained(levels, tree), fine, atol=1e-12)
    np.testing.assert_array_equal(consistent_answers(levels, tree, rule="product")[:, -1], fine.argmax(1))


def test_a_family_given_nothing_is_divided_evenly():
    tree = ready_tree("bracs")
    coarse = np.array([[0.2, 0.8, 0.0]])
    fine = np.array([[1.0, 0, 0, 0, 0, 0, 0]])
    np.testing.assert_allclose(chained([coarse, fine], tree), [[0.2, 0, 0, 0.4, 0.4, 0, 0]])


def test_sum_rule_minimises_the_expected_tree_distance(tree):
    """No class beats it: expected distance by enumeration of every possible truth, and of every answer."""
    fine = answers(tree, 60, 3, sharp=0.4)[-1]
    found = consistent_answers(all_levels(fine, tree), tree, rule="sum")
    distance = tree.distance()
    differs = 0
    for i in range(60):
        cost = [sum(fine[i, y] * distance[f, y] for y in range(fine.shape[1])) for f in range(fine.shape[1])]
        assert cost[found[i, -1]] == pytest.approx(min(cost), abs=1e-12)
        differs += found[i, -1] != fine[i].argmax()
    assert differs > 0  # the safest answer is not always the most probable class


def test_sum_rule_is_expected_number_of_right_levels_of_levels_that_disagree(tree):
    levels = answers(tree, 10, 4)
    score = expected_right(levels, tree)
    rng = np.random.default_rng(0)
    draws = [np.array([rng.choice(p.shape[1], 40_000, p=p[0]) for p in [one]])[0] for one in levels]
    for f in range(len(tree.names())):
        right = sum((draw == k).mean() for draw, k in zip(draws, tree.line(-1, f), strict=True))
        assert score[0, f] == pytest.approx(right, abs=0.02)


@pytest.mark.parametrize("rule", ["sum", "product"])
def test_levels_never_contradict_though_their_own_best_do(tree, rule):
    levels = answers(tree, 300, 5)
    found = consistent_answers(levels, tree, rule=rule)
    lines = {tree.line(-1, f) for f in range(len(tree.names()))}
    assert {tuple(row) for row in found.tolist()} <= lines
    alone = {tuple(int(p[i].argmax()) for p in levels) for i in range(300)}
    assert alone - lines


@pytest.mark.parametrize("rule", ["sum", "product"])
def test_sure_levels_are_followed(tree, rule):
    for f in range(len(tree.names())):
        levels = [np.eye(len(names))[[k]] for names, k in zip(tree.classes, tree.line(-1, f), strict=True)]
        assert tuple(consistent_answers(levels, tree, rule=rule)[0]) == tree.line(-1, f)


def test_the_two_rules_by_hand():
    tree = ready_tree("bracs")
    coarse = np.array([[0.45, 0.15, 0.40]])
    fine = np.array([[0.14, 0.12, 0.14, 0.0, 0.0, 0.55, 0.05]])
    # sum: .45 + .14 = .59 against .40 + .55 = .95; product: .45 * .35 = .1575 against .40 * .9167 = .3667
    assert consistent_answers([coarse, fine], tree, rule="sum").tolist() == [[2, 5]]
    assert consistent_answers([coarse, fine], tree, rule="product").tolist() == [[2, 5]]
    even = np.array([[0.16, 0.16, 0.16, 0.0, 0.0, 0.52, 0.0]])
    sure = np.array([[0.70, 0.0, 0.30]])
    # sum: .70 + .16 = .86 against .82; product: .70 / 3 = .233 against .30: the rules part
    assert consistent_answers([sure, even], tree, rule="sum").tolist() == [[0, 0]]
    assert consistent_answers([sure, even], tree, rule="product").tolist() == [[2, 5]]


def test_tensors_give_what_arrays_give(tree):
    levels = answers(tree, 12, 6)
    tensors = [torch.from_numpy(one) for one in levels]
    np.testing.assert_allclose(chained(tensors, tree).numpy(), chained(levels, tree))
    for rule in ("sum", "product"):
        found = consistent_answers(tensors, tree, rule=rule)
        assert found.dtype == torch.int64
        np.testing.assert_array_equal(found.numpy(), consistent_answers(levels, tree, rule=rule))
    half = [one.float() for one in tensors]
    assert chained(half, tree).dtype == torch.float32
    assert coarse_probabilities(half[-1], tree).dtype == torch.float32


def test_gradients_of_the_chain(tree):
    logits = [torch.randn(3, len(names), dtype=torch.float64, requires_grad=True) for names in tree.classes]
    assert torch.autograd.gradcheck(lambda *z: chained([one.softmax(1) for one in z], tree), logits)


def test_refusals_name_the_level():
    tree = ready_tree("bracs")
    coarse, fine = answers(tree, 4, 0)
    with pytest.raises(LabelTreeError, match=r"level 'subtype': expected shape \[n, 7\], got \[4, 3\]"):
        coarse_probabilities(coarse, tree)
    with pytest.raises(LabelTreeError, match=r"each of the levels \['group', 'subtype'\], got 1"):
        chained([fine], tree)
    with pytest.raises(LabelTreeError, match=r"4 rows at every level, got 2 at 'subtype'"):
        expected_right([coarse, fine[:2]], tree)
    with pytest.raises(LabelTreeError, match=r"a rule of \['sum', 'product'\], got 'max'"):
        consistent_answers([coarse, fine], tree, rule="max")
