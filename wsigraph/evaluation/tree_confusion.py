"""A confusion matrix in the order of the label tree, with the groups of every coarser level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsigraph.data.label_tree import LabelTree
from wsigraph.errors import RunError, expected
from wsigraph.evaluation.sample import Sample


@dataclass(frozen=True)
class Bracket:
    """A coarse class and the rows (and columns) of its finest classes.

    Args:
        name: The coarse class.
        start: First row.
        stop: First row after.
    """

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class TreeConfusion:
    """Counts with families side by side.

    Args:
        level: Name of the level.
        classes: Class names in the order of rows and columns.
        order: Number of each of them in its level.
        counts: ``[K, K]`` int64, row = true class, column = answered class.
        groups: Name of each coarser level, nearest first, and its brackets.
    """

    level: str
    classes: tuple[str, ...]
    order: tuple[int, ...]
    counts: np.ndarray
    groups: tuple[tuple[str, tuple[Bracket, ...]], ...]


def tree_confusion(counts: np.ndarray, tree: LabelTree, *, level: str | int = -1) -> TreeConfusion:
    """Order a confusion matrix by the tree.

    Args:
        counts: ``[K, K]`` in the order of the level, row = true class, column = answered class.
        tree: The tree.
        level: The level that the matrix is of.

    Raises: RunError: if the matrix does not fit the level.
    """
    at = tree.level(level)
    size = len(tree.classes[at])
    counts = np.asarray(counts)
    if counts.shape != (size, size):
        where = f"Confusion matrix of level '{tree.levels[at]}'"
        raise RunError(expected(where, f"shape [{size}, {size}]", f"{list(counts.shape)}"))
    order = tree.grouped_order(at)
    names = tuple(tree.classes[at][k] for k in order)
    groups = tuple(
        (tree.levels[above], _brackets(tree.ancestors(at, above)[list(order)], tree.names(above)))
        for above in reversed(range(at))
    )
    return TreeConfusion(tree.levels[at], names, order, counts[np.ix_(order, order)], groups)


def coarser_confusion(
    counts: np.ndarray, tree: LabelTree, *, level: str | int = -1, to: str | int = 0
) -> np.ndarray:
    """The confusion matrix of a coarser level: the sums of the blocks, in the order of that level.

    Args:
        counts: ``[K, K]`` in the order of ``level``.
        tree: The tree.
        level: The level that the matrix is of.
        to: The level wanted.

    Shape: ``[K_to, K_to]``.
    """
    member = tree.membership(level, to).astype(np.int64)
    return member.T @ np.asarray(counts) @ member


def confusion_of_lines(lines: Sample, tree: LabelTree, *, level: str | int = -1) -> np.ndarray:
    """Counts of the rows whose class at a level is known, summed over repeats.

    Args:
        lines: Lines of a ``TreeSample``.
        tree: The tree.
        level: The level.

    Shape: ``[K, K]`` int64 in the order of the level, row = true class, column = answered class.
    """
    at = tree.level(level)
    counts = np.zeros((len(tree.classes[at]),) * 2, dtype=np.int64)
    for rows in lines.repeats:
        known = rows.labels[:, at] >= 0
        np.add.at(counts, (rows.labels[known, at], rows.probabilities[known, at]), 1)
    return counts


def _brackets(groups: np.ndarray, names: tuple[str, ...]) -> tuple[Bracket, ...]:
    ends = [*np.flatnonzero(np.diff(groups)) + 1, len(groups)]
    starts = [0, *ends[:-1]]
    return tuple(Bracket(names[groups[a]], int(a), int(b)) for a, b in zip(starts, ends, strict=True))
