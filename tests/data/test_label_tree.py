"""The label tree: navigation against walks by hand, and what is refused by name."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsigraph.data.label_tree import LabelTree
from wsigraph.data.label_tree.ready import READY, ready_tree
from wsigraph.errors import LabelTreeError

DEEP = LabelTree(
    ("kingdom", "group", "subtype"),
    (("x", "y"), ("a", "b", "c"), ("b1", "a1", "c1", "a2", "b2", "c2")),
    ((0, 1, 0), (1, 0, 2, 0, 1, 2)),
)


@st.composite
def trees(draw):
    """Trees of one to four levels in which every class has children and siblings need not stand together."""
    num_levels = draw(st.integers(1, 4))
    sizes = sorted(draw(st.lists(st.integers(1, 7), min_size=num_levels, max_size=num_levels)))
    sizes[-1] = max(2, sizes[-1])
    parents = []
    for coarse, fine in pairwise(sizes):
        rest = draw(st.lists(st.integers(0, coarse - 1), min_size=fine - coarse, max_size=fine - coarse))
        parents.append(tuple(draw(st.permutations([*range(coarse), *rest]))))
    classes = tuple(tuple(f"l{at}c{k}" for k in range(size)) for at, size in enumerate(sizes))
    return LabelTree(tuple(f"level{at}" for at in range(num_levels)), classes, tuple(parents))


def climb(tree, level, number):
    """The line of a class, walked with a loop."""
    found = [number]
    while level > 0:
        number = tree.parents[level - 1][number]
        level -= 1
        found.insert(0, number)
    return found


def edges(tree):
    """Undirected edges between (level, number), the root being ``"root"``."""
    pairs = [("root", (0, k)) for k in range(len(tree.classes[0]))]
    for at, numbers in enumerate(tree.parents):
        pairs += [((at, parent), (at + 1, k)) for k, parent in enumerate(numbers)]
    return pairs


@settings(max_examples=60, deadline=None)
@given(trees())
def test_membership_ancestors_and_lines_are_walks_up_the_tree(tree):
    for fine in range(tree.num_levels):
        for coarse in range(fine + 1):
            matrix = tree.membership(fine, coarse)
            assert matrix.shape == (len(tree.classes[fine]), len(tree.classes[coarse]))
            for k in range(len(tree.classes[fine])):
                ancestor = climb(tree, fine, k)[coarse]
                assert matrix[k].tolist() == [float(j == ancestor) for j in range(matrix.shape[1])]
                assert tree.ancestors(fine, coarse)[k] == ancestor
        for k in range(len(tree.classes[fine])):
            unknown = [-1] * (tree.num_levels - 1 - fine)
            assert list(tree.line(fine, k)) == climb(tree, fine, k) + unknown


@settings(max_examples=60, deadline=None)
@given(trees())
def test_distance_is_half_the_shortest_path_in_the_graph(tree):
    import networkx as nx

    ways = dict(nx.all_pairs_shortest_path_length(nx.Graph(edges(tree))))
    for level in range(tree.num_levels):
        size = len(tree.classes[level])
        wanted = [[ways[level, a][level, b] / 2 for b in range(size)] for a in range(size)]
        assert tree.distance(level).tolist() == wanted


@settings(max_examples=60, deadline=None)
@given(trees())
def test_nearest_come_first_and_siblings_share_the_parent(tree):
    for level in range(tree.num_levels):
        above = [climb(tree, level, k)[:-1] for k in range(len(tree.classes[level]))]
        for k in range(len(above)):
            order = tree.nearest_first(level, k)
            assert sorted([*order, k]) == list(range(len(above)))
            far = [(tree.distance(level)[k, j], j) for j in order]
            assert far == sorted(far)
            assert tree.siblings(level, k) == tuple(
                j for j in range(len(above)) if j != k and above[j] == above[k]
            )


@settings(max_examples=60, deadline=None)
@given(trees())
def test_a_tree_survives_json_and_equals_only_itself(tree):
    assert LabelTree.from_json(tree.to_json()) == tree
    assert hash(LabelTree.from_dict(tree.to_dict())) == hash(tree)
    json.loads(tree.to_json())


@settings(max_examples=60, deadline=None)
@given(trees())
def test_grouped_order_puts_every_family_together(tree):
    for level in range(tree.num_levels):
        order = tree.grouped_order(level)
        assert sorted(order) == list(range(len(tree.classes[level])))
        for coarse in range(level):
            seen = tree.ancestors(level, coarse)[list(order)]
            assert np.count_nonzero(np.diff(seen)) == len(set(seen)) - 1  # each family is one block
        assert (np.diff(tree.ancestors(level, 0)[list(order)]) >= 0).all()


def test_a_deep_tree_by_hand():
    assert DEEP.ancestors("subtype", "kingdom").tolist() == [1, 0, 0, 0, 1, 0]
    assert DEEP.line("group", 1) == (1, 1, -1)
    assert DEEP.children("group", 0) == (1, 3)
    assert DEEP.children("subtype", 0) == ()
    assert DEEP.distance()[1].tolist() == [3, 0, 2, 1, 3, 2]
    assert DEEP.nearest_first(-1, 1) == (3, 2, 5, 0, 4)
    assert DEEP.siblings("kingdom", 0) == (1,)
    assert [DEEP.names()[k] for k in DEEP.grouped_order()] == ["a1", "a2", "c1", "c2", "b1", "b2"]
    assert DEEP.find("c") == (1, 2)
    assert DEEP.index("subtype", "c1") == 2


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("bracs", {"N": 0, "PB": 0, "UDH": 0, "FEA": 1, "ADH": 1, "DCIS": 2, "IC": 2}),
        ("panda", {"0": 0, "1": 1, "2": 1, "3": 2, "4": 2, "5": 2}),
        ("cytology", {"NILM": 0, "ASC-US": 1, "LSIL": 1, "ASC-H": 1, "HSIL": 1, "SCC": 1}),
    ],
)
def test_ready_trees(name, wanted):
    tree = ready_tree(name)
    assert dict(zip(tree.names(), tree.ancestors().tolist(), strict=True)) == wanted
    assert tree.num_levels == 2


def test_ready_trees_are_named():
    assert sorted(READY) == ["bracs", "cytology", "panda"]
    with pytest.raises(LabelTreeError, match=r"one of \['bracs', 'cytology', 'panda'\], got 'ebhi'"):
        ready_tree("ebhi")


def test_an_undivided_class_keeps_its_name_and_the_finest_is_found():
    tree = LabelTree(("group", "subtype"), (("normal", "tumour"), ("normal", "A", "B")), ((0, 1, 1),))
    assert tree.find("normal") == (1, 0)
    assert tree.line(*tree.find("normal")) == (0, 0)


TWO = (("group", "subtype"), (("a", "b"), ("a1", "b1")), ((0, 1),))


def broken(levels=TWO[0], classes=TWO[1], parents=TWO[2]):
    return lambda: LabelTree(levels, classes, parents)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (broken(levels=()), "at least one level, got none"),
        (broken(levels=("group", "group")), r"every level once, got \['group'\] more often"),
        (broken(levels=("group", " ")), "without blanks at its ends, got ' '"),
        (broken(levels=("group",)), r"classes of 1 levels \['group'\], got 2 lists"),
        (broken(classes=(("a", "b"), ())), "classes at level 'subtype', got none"),
        (broken(classes=(("a", "b"), ("a1", ""))), "level 'subtype', class: expected a name .* got ''"),
        (broken(classes=(("a", "a"), ("a1", "b1"))), r"level 'group': .* got \['a'\] more often"),
        (broken(classes=(("a",), ("a1",)), parents=((0,),)), "two or more classes.* got only 'a1'"),
        (broken(parents=()), "parents of the classes of 1 levels, got of 0"),
        (broken(parents=((0,),)), r"2 parents, one for each class, got 1, none for \['b1'\]"),
        (broken(parents=((0, 2),)), r"numbered 0..1 in level 'group', got \{'b1': 2\}"),
        (broken(parents=((0, -1),)), r"got \{'b1': -1\}"),
        (broken(parents=((0, 0),)), r"'subtype' below each of its classes, got none below \['b'\]"),
        (
            broken(classes=(("a", "b"), ("b", "a"))),
            "no class that is its own ancestor, got [ab] < [ab] < [ab]",
        ),
        (
            broken(classes=(("a", "b"), ("b", "c", "d")), parents=((0, 1, 0),)),
            r"class 'b', at level 'group' and again at 'subtype', to be the only child .* got \['c'\]",
        ),
        (
            broken(classes=(("a", "b"), ("a", "a2", "b1")), parents=((0, 0, 1),)),
            r"class 'a', at level 'group' and again .* got \['a', 'a2'\]",
        ),
        (lambda: LabelTree.from_json("[1]"), "a JSON object, got list"),
        (lambda: LabelTree.from_json("{"), "JSON text, got"),
        (lambda: LabelTree.from_dict({"levels": []}), r"levels, classes and parents, got \['levels'\]"),
        (
            lambda: LabelTree.from_dict(
                {"levels": TWO[0], "classes": TWO[1], "parents": [["a", "z"]]},
            ),
            r"parents among the classes \['a', 'b'\], got \['z'\]",
        ),
        (
            lambda: LabelTree.from_dict({"levels": TWO[0], "classes": TWO[1], "parents": []}),
            "parents of 1 levels, got of 0",
        ),
        (
            lambda: LabelTree.from_dict({"levels": TWO[0], "classes": "ab", "parents": []}),
            "lists of names for each level, got 'ab'",
        ),
        (
            lambda: LabelTree.from_dict({"levels": TWO[0], "classes": [["a"], None], "parents": [["a"]]}),
            "lists of names for each level, got None",
        ),
        (lambda: DEEP.level("species"), r"a level of \['kingdom', 'group', 'subtype'\], got 'species'"),
        (lambda: DEEP.level(3), "got 3"),
        (lambda: DEEP.level(-4), "got -4"),
        (
            lambda: DEEP.index("group", "a1"),
            r"level 'group': expected a class of \['a', 'b', 'c'\], got 'a1'",
        ),
        (lambda: DEEP.find("zz"), "a class of .*'subtype'.*, got 'zz'"),
        (lambda: DEEP.line("group", 3), "level 'group': expected a class number of 0..2, got 3"),
        (lambda: DEEP.nearest_first(0, -1), "class number of 0..1, got -1"),
        (lambda: DEEP.membership("group", "subtype"), "a level at or above 'group', got 'subtype'"),
    ],
)
def test_what_is_broken_is_refused_by_name(make, said):
    with pytest.raises(LabelTreeError, match=said):
        make()


def test_a_cycle_over_three_levels_is_named():
    classes = (("a", "d"), ("b", "e"), ("c", "f"), ("a", "g"))
    with pytest.raises(LabelTreeError, match="its own ancestor, got b < a < c < b"):
        LabelTree(("l0", "l1", "l2", "l3"), classes, ((0, 1), (0, 1), (0, 1)))
