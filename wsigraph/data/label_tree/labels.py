"""What is known of a slide, as one label per level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wsigraph.data.label_tree.columns import blank
from wsigraph.data.label_tree.tree import UNKNOWN, LabelTree
from wsigraph.errors import LabelTreeError, expected


def labels_of_names(tree: LabelTree, names: Sequence[str | None], *, where: str) -> tuple[int, ...]:
    """Labels at all levels from the cells of a manifest, one cell per level, coarse to fine.

    The finest name gives the labels above it; finer levels stay unknown (-1), and a line of empty cells is
    unknown everywhere.

    Args:
        tree: The tree.
        names: Cells; empty ones and "nan" say nothing.
        where: Slide or line, for the message.

    Raises: LabelTreeError: if a name is unknown or two names contradict each other.
    """
    cells = [blank(name) for name in names]
    if len(cells) != tree.num_levels:
        raise LabelTreeError(
            expected(where, f"a cell for each of the levels {list(tree.levels)}", f"{cells}")
        )
    given = [UNKNOWN] * tree.num_levels
    for at, cell in enumerate(cells):
        if cell and cell not in tree.classes[at]:
            known = list(tree.classes[at])
            raise LabelTreeError(
                expected(f"{where}, level '{tree.levels[at]}'", f"a class of {known}", f"{cell!r}")
            )
        given[at] = tree.classes[at].index(cell) if cell else UNKNOWN
    return tuple(int(k) for k in complete(tree, np.array([given]), where=where)[0])


def complete(tree: LabelTree, labels: np.ndarray, *, where: str = "Labels") -> np.ndarray:
    """Fill the labels above the finest known one; what lies below it stays unknown.

    Args:
        tree: The tree.
        labels: ``[n, L]`` int, -1 where unknown, coarse to fine.
        where: What the rows are, for the message.

    Returns: ``[n, L]`` int64 in which no known label stands below an unknown one.
    Raises: LabelTreeError: if a label is out of range, or two labels of a row lie on different lines.
    """
    labels = np.asarray(labels, dtype=np.int64)
    sizes = np.array([len(names) for names in tree.classes])
    if labels.ndim != 2 or labels.shape[1] != tree.num_levels:
        raise LabelTreeError(expected(where, f"shape [n, {tree.num_levels}]", f"{list(labels.shape)}"))
    if ((labels < UNKNOWN) | (labels >= sizes)).any():
        row, at = np.argwhere((labels < UNKNOWN) | (labels >= sizes))[0]
        told = f"{labels[row, at]} in row {row}"
        level = f"{where}, level '{tree.levels[at]}'"
        raise LabelTreeError(expected(level, f"labels of -1..{sizes[at] - 1}", told))
    found = labels.copy()
    for at in reversed(range(1, tree.num_levels)):
        known = found[:, at] != UNKNOWN
        implied = tree.ancestors(at, at - 1)[found[known, at]]
        above = found[known, at - 1]
        clash = np.flatnonzero((above != UNKNOWN) & (above != implied))
        if len(clash):
            row = np.flatnonzero(known)[clash[0]]
            fine, coarse = tree.classes[at][found[row, at]], tree.classes[at - 1][found[row, at - 1]]
            right = tree.classes[at - 1][implied[clash[0]]]
            raise LabelTreeError(
                expected(
                    where if len(labels) == 1 else f"{where}, row {row}",
                    f"'{right}' at level '{tree.levels[at - 1]}', the parent of '{fine}'",
                    f"'{coarse}'",
                )
            )
        found[known, at - 1] = implied
    return found
