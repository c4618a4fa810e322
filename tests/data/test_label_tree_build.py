"""Trees from names: every door gives the same tree, and says what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.label_tree.build import tree_from_dict, tree_from_lines, tree_from_parents
from wsigraph.data.label_tree.columns import tree_from_columns
from wsigraph.data.label_tree.labels import complete, labels_of_names
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.errors import LabelTreeError

NESTED = {"x": {"a": ["a1", "a2"], "b": ["b1"]}, "y": {"c": ["c1", "c2"]}}
LEVELS = ("kingdom", "group", "subtype")
PARENTS = {"a1": "a", "a2": "a", "b1": "b", "c1": "c", "c2": "c", "a": "x", "b": "x", "c": "y"}
LINES = [("x", "a", "a1"), ("x", "a", "a2"), ("x", "b", "b1"), ("y", "c", "c1"), ("y", "c", "c2")]
COLUMNS = {
    "kingdom": ["x", "", "y", "x", "", "x", "y"],
    "group": ["b", "a", "c", "a", "c", "", "nan"],
    "subtype": ["b1", "a2", "c2", "a1", " c1 ", "", None],
}


def test_every_door_gives_the_same_tree():
    tree = tree_from_dict(NESTED, levels=LEVELS)
    assert tree.classes == (("x", "y"), ("a", "b", "c"), ("a1", "a2", "b1", "c1", "c2"))
    assert tree.parents == ((0, 0, 1), (0, 0, 1, 2, 2))
    assert tree_from_parents(PARENTS, levels=LEVELS) == tree
    assert tree_from_lines(LEVELS, LINES) == tree
    assert tree_from_columns(COLUMNS) == tree


def test_order_is_that_of_first_appearance_and_may_be_given():
    tree = tree_from_lines(("g", "f"), [("b", "z"), ("a", "y"), ("b", "x")])
    assert tree.classes == (("b", "a"), ("z", "y", "x"))
    assert tree.parents == ((0, 1, 0),)
    turned = tree_from_parents(PARENTS, levels=LEVELS, order=["c2", "b1", "a2", "c1", "a1"])
    assert turned.names() == ("c2", "b1", "a2", "c1", "a1")
    assert turned.names("group") == ("c", "b", "a")
    assert [turned.names("group")[k] for k in turned.ancestors(-1, 1)] == ["c", "b", "a", "c", "a"]


def test_columns_are_sorted_by_name_at_every_level():
    tree = tree_from_columns({"g": ["b", "a", "b"], "f": ["p", "z", "q"]})
    assert tree.classes == (("a", "b"), ("p", "q", "z"))
    assert tree.parents == ((1, 1, 0),)


def test_one_level_is_a_flat_task():
    tree = tree_from_columns({"label": ["tumour", "normal", "tumour"]})
    assert tree.classes == (("normal", "tumour"),)
    assert tree.distance().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: tree_from_dict({"a": ["n", "m"], "b": ["n"]}, levels=("g", "f")),
            r"level 'f': expected one parent of each class, got 'n' below \['a', 'b'\]",
        ),
        (
            lambda: tree_from_dict({"x": {"a": ["1"]}, "y": {"a": ["2"]}}, levels=LEVELS),
            r"level 'group': .*'a' below \['x', 'y'\]",
        ),
        (lambda: tree_from_dict({"a": ["n", "n"]}, levels=("g", "f")), r"'f': .* once, got \['n'\] more"),
        (lambda: tree_from_dict({"a": ["n", ""]}, levels=("g", "f")), r"level 'f' of \['a'\]: .* got ''"),
        (lambda: tree_from_dict({"a": []}, levels=("g", "f")), "below a: expected a sequence .* got \\[\\]"),
        (lambda: tree_from_dict({"a": "nm"}, levels=("g", "f")), "below a: expected a sequence.*, got 'nm'"),
        (
            lambda: tree_from_dict({"x": {"a": ["1", "2"]}, "y": ["c1"]}, levels=LEVELS),
            r"below y: expected a mapping of groups at level 'group', got \['c1'\]",
        ),
        (
            lambda: tree_from_dict(NESTED, levels=("group", "subtype")),
            "below x: expected a sequence of class names at level 'subtype', got {'a'",
        ),
        (lambda: tree_from_dict({}, levels=("g", "f")), "below the root: expected a mapping"),
        (lambda: tree_from_lines(("g", "f"), []), "a line of names for each finest class, got none"),
        (lambda: tree_from_lines(("g", "f"), [("a",)]), r"each of the levels \['g', 'f'\], got \['a'\]"),
        (lambda: tree_from_lines(("g", "f"), [("", "n")]), r"level 'g' of \['n'\]: .* got ''"),
        (
            lambda: tree_from_parents({"a": "b", "b": "c", "c": "a"}, levels=LEVELS),
            "its own ancestor, got a < b < c < a",
        ),
        (lambda: tree_from_parents({"a": "a"}, levels=("g", "f")), "own ancestor, got a < a"),
        (
            lambda: tree_from_parents({"a1": "a", "a": "x", "y1": "y"}, levels=LEVELS),
            r"each of the levels .* got \['y', 'y1'\]",
        ),
        (
            lambda: tree_from_parents({"n": "a", "m": "a"}, levels=("g", "f"), order=["n", "k"]),
            r"finest classes \['n', 'm'\], got unknown \['k'\], missing \['m'\]",
        ),
        (
            lambda: tree_from_columns({"g": ["a", "b"], "f": ["n", "n"]}),
            r"level 'f': expected one parent of each class, got 'n' below \['a', 'b'\]",
        ),
        (
            lambda: tree_from_columns({"g": ["a", "", ""], "f": ["n", "m", "k"]}),
            r"column 'f': expected a class at level 'g' above each, got none above \['k', 'm'\]",
        ),
        (
            lambda: tree_from_columns({"g": ["a", "a", "b"], "f": ["n", "m", ""]}),
            r"column 'g': expected a finer class at 'f' below each class, got none below \['b'\]",
        ),
        (lambda: tree_from_columns({"g": ["a"], "f": [""]}), "finest class, got none"),
        (lambda: tree_from_columns({}), "finest class, got none"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(make, said):
    with pytest.raises(LabelTreeError, match=said):
        make()


def test_labels_of_names_fill_upwards_only():
    tree = tree_from_dict(NESTED, levels=LEVELS)
    read = {
        ("", "", "b1"): (0, 1, 2),
        ("", "c", ""): (1, 2, -1),
        ("x", None, "nan"): (0, -1, -1),
        ("", " ", "NaN"): (-1, -1, -1),
        ("y", "", "c2"): (1, 2, 4),
    }
    for cells, wanted in read.items():
        assert labels_of_names(tree, cells, where="Slide 's1'") == wanted


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("", "a", "c1"), "Slide 's1': expected 'c' at level 'group', the parent of 'c1', got 'a'"),
        (("y", "", "b1"), "Slide 's1': expected 'x' at level 'kingdom', the parent of 'b', got 'y'"),
        (("", "a1", ""), r"Slide 's1', level 'group': expected a class of \['a', 'b', 'c'\], got 'a1'"),
        (("x", "a"), r"Slide 's1': expected a cell for each of the levels .*, got \['x', 'a'\]"),
    ],
)
def test_labels_that_contradict_or_are_unknown_are_refused(cells, said):
    with pytest.raises(LabelTreeError, match=said):
        labels_of_names(tree_from_dict(NESTED, levels=LEVELS), cells, where="Slide 's1'")


def test_complete_equals_the_lines_of_the_finest_known_labels():
    tree = tree_from_dict(NESTED, levels=LEVELS)
    rng = np.random.default_rng(0)
    given, wanted = [], []
    for _ in range(200):
        level = int(rng.integers(-1, 3))
        line = list(tree.line(level, int(rng.integers(len(tree.classes[level]))))) if level >= 0 else [-1] * 3
        wanted.append(line)
        given.append([k if at == level or rng.random() < 0.5 else -1 for at, k in enumerate(line)])
    np.testing.assert_array_equal(complete(tree, np.array(given)), wanted)
    untouched = np.array(given)
    complete(tree, untouched)
    np.testing.assert_array_equal(untouched, given)


def test_complete_refuses_with_the_row():
    tree = tree_from_dict(NESTED, levels=LEVELS)
    with pytest.raises(LabelTreeError, match=r"level 'subtype': expected labels of -1\.\.4, got 5 in row 1"):
        complete(tree, np.array([[0, 0, 0], [0, 0, 5]]))
    with pytest.raises(
        LabelTreeError, match=r"Labels, row 2: expected 'y' at level 'kingdom', the parent of 'c'"
    ):
        complete(tree, np.array([[-1, -1, -1], [0, 0, 0], [0, -1, 3]]))
    with pytest.raises(LabelTreeError, match=r"shape \[n, 3\], got \[3\]"):
        complete(tree, np.array([0, 0, 0]))


def test_bracs_and_manifest_labels_agree():
    tree = ready_tree("bracs")
    assert labels_of_names(tree, ("", "FEA"), where="s") == (1, 3)
    assert labels_of_names(tree, ("malignant", ""), where="s") == (2, -1)
