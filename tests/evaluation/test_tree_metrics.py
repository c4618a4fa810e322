"""Metrics over a tree against sets of ancestors, paths in a graph and numbers by hand."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.evaluation.metrics import accuracy
from wsigraph.evaluation.tree_metrics import (
    TREE_LOWER_IS_BETTER,
    TREE_METRICS,
    distances,
    on_rows,
)

DEEP = LabelTree(
    ("kingdom", "group", "subtype"),
    (("x", "y"), ("a", "b", "c"), ("b1", "a1", "c1", "a2", "b2", "c2")),
    ((0, 1, 0), (1, 0, 2, 0, 1, 2)),
)
TREES = {"bracs": ready_tree("bracs"), "panda": ready_tree("panda"), "deep": DEEP}
METRICS = {name: on_rows(metric) for name, metric in TREE_METRICS.items()}


@pytest.fixture(params=TREES)
def tree(request):
    """A tree of two or three levels."""
    return TREES[request.param]


def draw(tree, n, seed, *, partial=False, early=False):
    """True and answered lines; some truths are coarse only, some answers stop early."""
    rng = np.random.default_rng(seed)
    size = len(tree.names())

    def lines(stop):
        found = np.array([tree.line(-1, k) for k in rng.integers(0, size, n)])
        depth = rng.integers(1, tree.num_levels + 1, n) if stop else np.full(n, tree.num_levels)
        return np.where(np.arange(tree.num_levels) < depth[:, None], found, -1)

    truth, answers = lines(partial), lines(early)
    right = rng.random(n) < 0.4
    answers[right] = truth[right]
    return truth, answers


def test_distance_is_half_the_path_between_the_classes_in_the_graph(tree):
    truth, answers = draw(tree, 200, 0)
    nodes = nx.Graph()
    for k in range(len(tree.names())):
        line = ["root", *((at, c) for at, c in enumerate(tree.line(-1, k)))]
        nodes.add_edges_from(pairwise(line))
    deepest = tree.num_levels - 1
    wanted = [
        nx.shortest_path_length(nodes, (deepest, t[-1]), (deepest, a[-1])) / 2
        for t, a in zip(truth.tolist(), answers.tolist(), strict=True)
    ]
    assert distances(truth, answers).tolist() == wanted
    assert distances(truth, answers).tolist() == [
        tree.distance()[t, a] for t, a in zip(truth[:, -1], answers[:, -1], strict=True)
    ]


def test_severity_is_the_mean_over_all_and_over_mistakes(tree):
    truth, answers = draw(tree, 150, 1, partial=True)
    table, each = tree.distance(), []
    for t, a in zip(truth, answers, strict=True):
        if t[-1] >= 0 and a[-1] >= 0:
            each.append(table[t[-1], a[-1]])
        elif t[-1] >= 0:  # the answer stops at its last known level
            each.append(tree.num_levels - next(at for at in range(len(t)) if a[at] != t[at]))
    wrong = [d for d in each if d]
    assert len(each) < 150
    assert METRICS["severity"](truth, answers) == pytest.approx(np.mean(each))
    assert METRICS["severity_of_mistakes"](truth, answers) == pytest.approx(np.mean(wrong))


def test_hierarchical_scores_equal_sets_of_ancestors(tree):
    truth, answers = draw(tree, 150, 2, partial=True, early=True)
    both = predicted = true = 0
    for t, a in zip(truth.tolist(), answers.tolist(), strict=True):
        known = {(at, k) for at, k in enumerate(t) if k >= 0}
        said = {(at, k) for at, k in enumerate(a) if k >= 0 and t[at] >= 0}
        both, predicted, true = both + len(known & said), predicted + len(said), true + len(known)
    precision, recall = both / predicted, both / true
    assert METRICS["hierarchical_precision"](truth, answers) == pytest.approx(precision, rel=1e-12)
    assert METRICS["hierarchical_recall"](truth, answers) == pytest.approx(recall, rel=1e-12)
    wanted = 2 * precision * recall / (precision + recall)
    assert METRICS["hierarchical_f1"](truth, answers) == pytest.approx(wanted, rel=1e-12)
    assert precision != recall


def test_hierarchical_scores_of_the_published_example():
    """The class of the finest level is missed, an ancestor of it shared: sets {c, f} and {c, g}."""
    tree = ready_tree("bracs")
    truth, answers = np.array([tree.line(-1, 0)]), np.array([tree.line(-1, 2)])
    for name in ("hierarchical_precision", "hierarchical_recall", "hierarchical_f1"):
        assert METRICS[name](truth, answers) == 0.5
    stops = np.array([[0, -1]])
    assert METRICS["hierarchical_precision"](truth, stops) == 1.0
    assert METRICS["hierarchical_recall"](truth, stops) == 0.5
    assert METRICS["hierarchical_f1"](truth, stops) == pytest.approx(2 / 3)
    assert METRICS["severity"](truth, stops) == 1.0


def test_full_lines_tie_severity_and_hierarchical_scores_to_the_accuracies(tree):
    truth, answers = draw(tree, 120, 3)
    right = [
        accuracy(truth[:, at], np.eye(len(tree.classes[at]))[answers[:, at]]) for at in range(tree.num_levels)
    ]
    for name in ("hierarchical_precision", "hierarchical_recall", "hierarchical_f1"):
        assert METRICS[name](truth, answers) == pytest.approx(np.mean(right))
    assert METRICS["severity"](truth, answers) == pytest.approx(sum(1 - share for share in right))


def test_perfect_answers_and_what_cannot_be_computed(tree):
    truth, _ = draw(tree, 20, 4)
    found = {name: metric(truth, truth) for name, metric in METRICS.items()}
    assert np.isnan(found.pop("severity_of_mistakes"))  # there are none
    assert found == {name: 0.0 if name in TREE_LOWER_IS_BETTER else 1.0 for name in found}
    empty = np.zeros((0, tree.num_levels), dtype=int)
    assert all(np.isnan(metric(empty, empty)) for metric in METRICS.values())
    coarse = np.where(np.arange(tree.num_levels) < 1, truth, -1)
    assert np.isnan(METRICS["severity"](coarse, truth))
    assert METRICS["hierarchical_precision"](coarse, truth) == 1.0


def test_weighted_equals_plain_on_the_repeated_rows(tree):
    truth, answers = draw(tree, 30, 5, partial=True, early=True)
    rng = np.random.default_rng(1)
    weights = rng.multinomial(2, np.full(30, 1 / 30), size=80).astype(float)
    undefined = 0
    for name, metric in TREE_METRICS.items():
        got = metric(truth, answers, weights)
        for w, value in zip(weights, got, strict=True):
            index = np.repeat(np.arange(30), w.astype(int))
            wanted = METRICS[name](truth[index], answers[index])
            np.testing.assert_allclose(value, wanted, atol=1e-12, err_msg=name)
            undefined += int(np.isnan(wanted))
    assert undefined > 0
