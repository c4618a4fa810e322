"""Microns per pixel of many slides, from a table a person keeps."""

from __future__ import annotations

import csv
from pathlib import Path

from wsigraph.errors import MppError, expected


def read_mpp_table(path: str | Path) -> dict[str, float]:
    """Read a CSV with the columns ``slide_id`` and ``mpp``.

    Args:
        path: The file. A slide may be named by its id or its file name.

    Returns: mpp by slide id, in um/px.
    Raises: MppError: if a column or a number is missing; the message names the line.
    """
    path = Path(path)
    where = f"Table '{path.name}'"
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise MppError(expected(where, "a readable CSV file", str(error))) from error
    if not rows or not {"slide_id", "mpp"} <= set(rows[0]):
        raise MppError(
            expected(where, "columns slide_id and mpp", str(sorted(map(str, rows[0])) if rows else "no rows"))
        )
    table: dict[str, float] = {}
    for line, row in enumerate(rows, start=2):
        name = row["slide_id"].strip()
        try:
            table[name] = float(row["mpp"])
        except (TypeError, ValueError) as error:
            raise MppError(
                expected(f"{where}, line {line}", "a number for mpp", f"{row['mpp']!r}")
            ) from error
        table.setdefault(name.rpartition(".")[0] or name, table[name])  # "a.svs" names the slide "a" too
    return table
