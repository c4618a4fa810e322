"""Paired comparison of lines of a tree: values by hand, a difference that is there, one that is not."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.label_tree.prediction import from_finest
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.prediction import Prediction
from wsigraph.errors import RunError
from wsigraph.evaluation.tree_paired import paired_tree_difference

TREE = ready_tree("bracs")
SIBLING, COUSIN = {0: 1, 1: 2, 2: 0, 3: 4, 4: 3, 5: 6, 6: 5}, {k: (k + 3) % 7 for k in range(7)}


def answers(wrong, *, instead, n=70, labels=None):
    rows = []
    for i in range(n):
        label = i % 7
        said = instead[label] if i in wrong else label
        p = np.full(7, 0.01)
        p[said] = 0.94
        known = None if labels is None else labels(i)
        place = Prediction(f"s{i:02d}", f"p{i // 2:02d}", tuple(p), label=label)
        rows.append(from_finest(place, TREE, labels=known))
    return rows


def test_equally_many_mistakes_of_another_severity():
    wrong = set(range(0, 70, 3))
    far, near = answers(wrong, instead=COUSIN), answers(wrong, instead=SIBLING)
    found = paired_tree_difference(far, near, TREE, metric="severity")
    assert found.a == pytest.approx(2 * len(wrong) / 70)
    assert found.b == pytest.approx(len(wrong) / 70)
    assert found.difference == pytest.approx(found.a - found.b)
    assert found.low > 0
    assert found.verdict == "b"  # less severe
    assert found.p_value < 0.01
    turned = paired_tree_difference(near, far, TREE, metric="hierarchical_f1")
    assert turned.verdict == "a"


def test_other_mistakes_of_the_same_severity_are_no_difference():
    found = paired_tree_difference(
        answers({0, 5, 30, 41}, instead=SIBLING),
        answers({2, 9, 33, 50}, instead=SIBLING),
        TREE,
        metric="severity",
    )
    assert found.difference == pytest.approx(0.0)
    assert found.verdict == "neither"
    assert found.p_value > 0.5


def test_slides_and_labels_must_match():
    one = answers({1}, instead=SIBLING)
    with pytest.raises(RunError, match="the same slides"):
        paired_tree_difference(one, answers({1}, instead=SIBLING, n=68), TREE, metric="severity")
    coarse = answers(
        {1},
        instead=SIBLING,
        labels=lambda i: (*TREE.line(-1, i % 7)[:1], -1) if i == 9 else TREE.line(-1, i % 7),
    )
    with pytest.raises(RunError, match=r"1 that differ \('s09'\)"):
        paired_tree_difference(one, coarse, TREE, metric="severity")
    with pytest.raises(RunError, match=r"a metric of .*'severity'.*got 'auc'"):
        paired_tree_difference(one, one, TREE, metric="auc")
