"""The label tree that a manifest implies, one column per level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsigraph.data.label_tree.build import tree_from_lines
from wsigraph.data.label_tree.check import check_one_parent
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import LabelTreeError, expected


def tree_from_columns(columns: Mapping[str, Sequence[str | None]]) -> LabelTree:
    """The tree that the columns of a manifest imply.

    A slide may be labelled at coarse levels only (empty cells, or "nan"), as long as others show the finer
    classes of its group, and at a fine level only, as long as others show the parent. Classes are sorted by
    name within each level, as those of a flat manifest are.

    Args:
        columns: Cells by level, coarse to fine, equally long.

    Raises: LabelTreeError: if a class has two parents or none, or a group no finer class.
    """
    levels = tuple(columns)
    rows = [tuple(blank(cell) for cell in row) for row in zip(*columns.values(), strict=True)]
    above = [_parents(levels, rows, at) for at in range(1, len(levels))]
    lines = []
    for name in sorted({row[-1] for row in rows} - {""}):
        line = [name]
        for parents in reversed(above):
            line.append(parents[line[-1]])
        lines.append(tuple(reversed(line)))
    tree = _sorted(tree_from_lines(levels, lines))
    _check_barren(tree, rows)
    return tree


def blank(cell: str | None) -> str:
    """A cell without blanks at its ends; empty where nothing or "nan" stands there."""
    text = (cell or "").strip()
    return "" if text.lower() == "nan" else text


def _parents(levels: tuple[str, ...], rows: list[tuple[str, ...]], at: int) -> dict[str, str]:
    """Parent of each class of a level."""
    found: dict[str, dict[str, None]] = {row[at]: {} for row in rows if row[at]}
    for row in rows:
        if row[at] and row[at - 1]:
            found[row[at]][row[at - 1]] = None
    check_one_parent(levels[at], found)
    orphans = sorted(name for name, parents in found.items() if not parents)
    if orphans:
        where = f"LabelTree, column '{levels[at]}'"
        raise LabelTreeError(
            expected(where, f"a class at level '{levels[at - 1]}' above each", f"none above {orphans}")
        )
    return {name: next(iter(parents)) for name, parents in found.items()}


def _check_barren(tree: LabelTree, rows: list[tuple[str, ...]]) -> None:
    for at, level in enumerate(tree.levels[:-1]):
        barren = sorted({row[at] for row in rows} - {""} - set(tree.classes[at]))
        if barren:
            raise LabelTreeError(
                expected(
                    f"LabelTree, column '{level}'",
                    f"a finer class at '{tree.levels[at + 1]}' below each class",
                    f"none below {barren}",
                    todo="Label one slide of each down to the finest level, or give the tree yourself.",
                )
            )


def _sorted(tree: LabelTree) -> LabelTree:
    """The same tree with the classes of every level in the order of their names."""
    orders = [sorted(range(len(names)), key=names.__getitem__) for names in tree.classes]
    classes = tuple(tuple(names[k] for k in order) for names, order in zip(tree.classes, orders, strict=True))
    parents = tuple(
        tuple(orders[at].index(numbers[k]) for k in orders[at + 1]) for at, numbers in enumerate(tree.parents)
    )
    return LabelTree(tree.levels, classes, parents)
