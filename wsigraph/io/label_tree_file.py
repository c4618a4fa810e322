"""Label trees from files: a table of its own, or the columns of a manifest."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from wsigraph.data.label_tree.build import tree_from_lines
from wsigraph.data.label_tree.columns import tree_from_columns
from wsigraph.data.label_tree.tree import LabelTree
from wsigraph.errors import LabelTreeError, expected


def read_label_tree(path: str | Path) -> LabelTree:
    """Read a CSV or TSV with one line per finest class, fine to coarse: ``fine,coarse[,coarser]``.

    The header names the levels. Classes keep the order of the lines, which becomes the order of the outputs.

    Args:
        path: The file.

    Raises: LabelTreeError: if the file cannot be read, a line has too few or many cells, or the tree is
        broken.
    """
    path = Path(path)
    header, rows = _table(path)
    for number, row in rows:
        if len(row) != len(header):
            raise LabelTreeError(
                expected(
                    f"Label tree '{path.name}', line {number}",
                    f"a name for each of the levels {header}",
                    f"{row}",
                )
            )
    try:
        return tree_from_lines(header[::-1], [row[::-1] for _, row in rows])
    except LabelTreeError as error:
        raise LabelTreeError(f"Label tree '{path.name}': {error}") from error


def label_tree_of_manifest(path: str | Path, *, columns: Sequence[str]) -> LabelTree:
    """The tree that the label columns of a manifest imply.

    Args:
        path: A CSV or TSV with a header.
        columns: One column per level, coarse to fine.

    Raises: LabelTreeError: if the file cannot be read, a column is missing, or the tree is broken.
    """
    path = Path(path)
    header, rows = _table(path)
    missing = [name for name in columns if name not in header]
    if missing or not columns:
        raise LabelTreeError(
            expected(f"Manifest '{path.name}'", f"columns for levels, of {header}", f"{missing or 'none'}")
        )
    places = {name: header.index(name) for name in columns}
    cells = {name: [row[at] if at < len(row) else "" for _, row in rows] for name, at in places.items()}
    try:
        return tree_from_columns(cells)
    except LabelTreeError as error:
        raise LabelTreeError(f"Manifest '{path.name}': {error}") from error


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and numbered lines, without blanks at the ends of cells; empty lines are skipped."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        delimiter = "\t" if lines and "\t" in lines[0] else ","
        read = enumerate(csv.reader(lines, delimiter=delimiter), start=1)
        rows = [(number, [cell.strip() for cell in row]) for number, row in read if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelTreeError(expected(f"Table '{path}'", "a readable CSV file", f"{error}")) from error
    if len(rows) < 2:
        got = f"{len(rows)} lines"
        raise LabelTreeError(expected(f"Table '{path}'", "a header and at least one line", got))
    return rows[0][1], rows[1:]
