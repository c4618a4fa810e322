"""The task over a label tree: cells to labels at every level, logits to answers, and back from JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.tasks.base import make_task
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import CohortError, RecipeError
from wsigraph.testing.tasks import check_task

BRACS = ready_tree("bracs")
DEEP = tree_from_dict(
    {"x": {"x1": ("a", "b"), "x2": ("c",)}, "y": {"y1": ("d", "e")}}, levels=("top", "mid", "leaf")
)


def row(task, *cells):
    return task.row(dict(zip(task.columns, cells, strict=True)), task.own_classes, where="line 2")


def test_one_column_names_a_class_of_any_level():
    task = Hierarchy("bracs", target_col="diagnosis")
    assert task.columns == ("diagnosis",)
    assert row(task, "ADH") == (1.0, 4.0)
    assert row(task, "malignant") == (2.0, -1.0)
    assert Hierarchy(DEEP).row({"label": "x2"}, (), where="") == (0.0, 1.0, -1.0)
    with pytest.raises(CohortError, match=r"line 2: LabelTree: expected a class of .*got 'LCIS'"):
        row(task, "LCIS")


def test_a_column_per_level():
    task = Hierarchy(DEEP, target_col="top, mid, leaf")
    assert row(task, "x", "x1", "b") == (0.0, 0.0, 1.0)
    assert row(task, "", "", "e") == (1.0, 2.0, 4.0)  # the finest gives those above
    assert row(task, "y", "", "") == (1.0, -1.0, -1.0)
    assert row(task, "", "x2", "nan") == (0.0, 1.0, -1.0)
    assert task.missing({"top": "", "mid": "NaN", "leaf": ""}) == "no label in columns 'top', 'mid', 'leaf'"
    assert task.missing({"top": "x", "mid": "", "leaf": ""}) == ""
    assert task.told({"top": "x", "mid": "x1", "leaf": ""}) == "x > x1"
    with pytest.raises(
        CohortError, match=r"line 2: expected 'x' at level 'top', the parent of 'x1', got 'y'"
    ):
        row(task, "y", "x1", "")
    with pytest.raises(CohortError, match=r"level 'mid': expected a class of \['x1', 'x2', 'y1'\], got 'z'"):
        row(task, "x", "z", "")
    with pytest.raises(
        CohortError, match=r"one column of labels, or one for each of the levels .*got \['top', 'leaf'\]"
    ):
        row(Hierarchy(DEEP, target_col="top,leaf"), "x", "a")


def test_names_are_the_finest_of_the_tree_whatever_a_manifest_holds():
    task = Hierarchy(BRACS)
    assert task.in_order(()) == BRACS.names() == task.own_classes
    assert task.check_classes(BRACS.names()) == ""
    assert "must be the finest of the tree" in task.check_classes(BRACS.names()[::-1])
    assert task.num_outputs(BRACS.names()) == 7


def test_strata_are_the_finest_known_classes():
    rows = [(0.0, 1.0), (2.0, -1.0), (0.0, 0.0), (2.0, -1.0)]
    assert Hierarchy(BRACS).strata(rows, ()) == ["benign / PB", "malignant", "benign / N", "malignant"]


def test_an_answer_holds_a_distribution_for_each_level_the_finest_first():
    task, logits = Hierarchy(DEEP), torch.randn(3, 5 + 3 + 2, dtype=torch.float64)
    columns = task.answer_columns(task.own_classes)
    assert columns == (
        *("prob_a", "prob_b", "prob_c", "prob_d", "prob_e"),
        *("mid_prob_x1", "mid_prob_x2", "mid_prob_y1", "top_prob_x", "top_prob_y"),
    )
    answer = task.answer(logits)
    for start, stop in ((0, 5), (5, 8), (8, 10)):
        each = np.exp(logits[:, start:stop].numpy())
        np.testing.assert_allclose(answer[:, start:stop], each / each.sum(1, keepdims=True), atol=1e-12)
    assert [columns[place] for place in task.places] == [columns[8:], columns[5:8], columns[:5]]


def test_a_prediction_is_normalised_at_each_level():
    task = Hierarchy(BRACS)
    values = task.answer(torch.randn(1, 10))[0]
    told = task.prediction("s", "p", values=values, target=(1.0, -1.0))
    assert told.target == (1.0, -1.0)
    assert sum(told.values[:7]) == pytest.approx(1.0, abs=1e-12)
    assert sum(told.values[7:]) == pytest.approx(1.0, abs=1e-12)
    assert task.prediction("s", "p", values=values).target == ()


def test_the_way_through_json():
    task = make_task({"name": "hierarchy", "tree": "bracs", "target_col": "group,subtype"})
    again = make_task(json.loads(json.dumps(task.settings())))
    assert again.label_tree == BRACS
    assert again.columns == ("label",)  # columns belong to the data


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "Task 'hierarchy': expected a label tree, got none. Give --tree NAME or FILE.csv"),
        ({"tree": "bracs2"}, r"one of \['bracs', 'cytology', 'panda'\], got 'bracs2'"),
        ({"tree": {"levels": ["a"]}}, "the keys levels, classes and parents"),
        ({"depth": 2}, "options among"),
    ],
)
def test_what_is_no_tree_is_refused(options, sentence):
    with pytest.raises(RecipeError, match=sentence):
        make_task({"name": "hierarchy", **options})


@pytest.mark.parametrize("tree", [BRACS, DEEP], ids=["bracs", "deep"])
def test_it_meets_the_kit(tree):
    rows = [{"label": name} for names in tree.classes for name in names]
    check_task(Hierarchy(tree), rows=rows, num_logits=len(rows))
