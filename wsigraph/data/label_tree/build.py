"""Label trees from names: nested groups, parents, lines of a table.

Every door ends at :func:`tree_from_lines`. Classes of a level keep the order in which they first appear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wsigraph.data.label_tree.check import check_cell, check_one_parent, find_cycle
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import LabelTreeError, expected


def tree_from_lines(levels: Sequence[str], lines: Iterable[Sequence[str]]) -> LabelTree:
    """A tree from one line of names per finest class, coarse to fine.

    Args:
        levels: Names of the levels, coarse to fine.
        lines: The ancestors of each finest class and the class itself.

    Raises: LabelTreeError: if a name is missing or double, a class has two parents, or the tree is broken
        otherwise.
    """
    levels = tuple(levels)
    whole = [_checked(levels, tuple(line)) for line in lines]
    if not levels or not whole:
        raise LabelTreeError(
            expected("LabelTree", "levels and a line of names for each finest class", "none")
        )
    classes = tuple(tuple(dict.fromkeys(names)) for names in zip(*whole, strict=True))
    parents = []
    for at in range(1, len(levels)):
        above: dict[str, dict[str, None]] = {}
        for line in whole:
            above.setdefault(line[at], {})[line[at - 1]] = None
        check_one_parent(levels[at], above)
        parents.append(tuple(classes[at - 1].index(next(iter(above[name]))) for name in classes[at]))
    _check_once(levels, whole)
    return LabelTree(levels, classes, tuple(parents))


def tree_from_dict(nested: Mapping[str, Any], *, levels: Sequence[str]) -> LabelTree:
    """A tree from nested groups, ``{"benign": ["N", "PB"], "malignant": ["DCIS", "IC"]}``.

    Args:
        nested: Mappings down to sequences of the finest classes; as many as there are levels, less one.
        levels: Names of the levels, coarse to fine.

    Raises: LabelTreeError: if a branch is deeper or shallower than the levels, or the tree is broken.
    """
    return tree_from_lines(levels, list(_walk(nested, (), tuple(levels))))


def tree_from_parents(
    parents: Mapping[str, str], *, levels: Sequence[str], order: Sequence[str] | None = None
) -> LabelTree:
    """A tree from the parent of each class, ``{"N": "benign", "benign": "non-malignant", ...}``.

    Args:
        parents: Parent by class, at all levels but the coarsest.
        levels: Names of the levels, coarse to fine.
        order: The finest classes in the order wanted; else as they appear.

    Raises: LabelTreeError: on a cycle, branches of unequal depth, or an ``order`` that names other classes.
    """
    cycle = find_cycle({name: (parent,) for name, parent in parents.items()})
    if cycle:
        raise LabelTreeError(expected("LabelTree", "no class that is its own ancestor", " < ".join(cycle)))
    inner = set(parents.values())
    leaves = [name for name in parents if name not in inner]
    if order is not None and set(order) != set(leaves):
        unknown, missing = sorted(set(order) - set(leaves)), sorted(set(leaves) - set(order))
        raise LabelTreeError(
            expected(
                "LabelTree order", f"the finest classes {leaves}", f"unknown {unknown}, missing {missing}"
            )
        )
    return tree_from_lines(levels, [_line_of(name, parents) for name in order or leaves])


def _walk(nested: Any, above: tuple[str, ...], levels: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    left = len(levels) - len(above)
    if left > 1 and isinstance(nested, Mapping) and nested:
        for name, inner in nested.items():
            yield from _walk(inner, (*above, name), levels)
    elif left == 1 and isinstance(nested, Sequence) and not isinstance(nested, str) and nested:
        yield from ((*above, name) for name in nested)
    else:
        what = "a mapping of groups" if left > 1 else "a sequence of class names"
        where = f"LabelTree below {' > '.join(map(str, above)) or 'the root'}"
        raise LabelTreeError(expected(where, f"{what} at level '{levels[-left]}'", f"{nested!r}"))


def _line_of(name: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    line = [name]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return tuple(reversed(line))


def _checked(levels: tuple[str, ...], line: tuple[str, ...]) -> tuple[str, ...]:
    if len(line) != len(levels):
        raise LabelTreeError(
            expected("LabelTree", f"a name at each of the levels {list(levels)}", f"{list(line)}")
        )
    for level, name in zip(levels, line, strict=True):
        others = [other for other in line if other]
        check_cell(f"LabelTree level '{level}' of {others}", name)
    return line


def _check_once(levels: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    twice = [name for name, count in Counter(line[-1] for line in lines).items() if count > 1]
    if twice:
        where = f"LabelTree level '{levels[-1]}'"
        raise LabelTreeError(expected(where, "every class once", f"{twice} more often"))
