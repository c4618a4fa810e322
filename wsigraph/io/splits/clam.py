"""CLAM's ``splits_<k>.csv``: ragged columns train, val and test, one file per fold."""

from __future__ import annotations

import csv
import io
import re
from itertools import zip_longest
from pathlib import Path
from typing import Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import write_text
from wsigraph.io.cohorts.table import Table, read_table
from wsigraph.io.splits.named import SIDES, NamedSplit, SplitSet

_FILE: Final = re.compile(r"splits_(\d+)\.csv")


def is_clam(table: Table) -> bool:
    """Whether a table has the columns of one fold."""
    return {"train", "test"} <= set(table.header)


def clam_files(folder: Path) -> list[Path]:
    """``splits_0.csv``, ``splits_1.csv`` ... in the order of their numbers."""
    numbered = {int(match[1]): path for path in folder.iterdir() if (match := _FILE.fullmatch(path.name))}
    return [numbered[number] for number in sorted(numbered)]


def read_clam(files: list[Path], where: str) -> SplitSet:
    """Read one file per fold.

    A column of row numbers and others beside train, val and test are passed over.

    Args:
        files: The files, in order of the fold.
        where: The place, as errors call it.

    Raises: CohortError: if a file lacks a column.
    """
    return SplitSet(tuple(_split(read_table(path), fold) for fold, path in enumerate(files)), where)


def write_clam(found: SplitSet, folder: Path) -> None:
    """Write a file per split; splits of later repeats count on."""
    for number, split in enumerate(found.splits):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["", *SIDES])
        for row, names in enumerate(zip_longest(*split.sides.values(), fillvalue="")):
            writer.writerow([row, *names])
        write_text(folder / f"splits_{number}.csv", text.getvalue())


def _split(table: Table, fold: int) -> NamedSplit:
    if not is_clam(table):
        raise CohortError(
            expected(f"Splits '{table.path}'", "columns train, val and test", f"{list(table.header)}")
        )
    places = {side: table.header.index(side) for side in SIDES if side in table.header}
    sides = {
        side: tuple(line[place] for line in table.lines[1:] if place < len(line) and line[place])
        for side, place in places.items()
    }
    return NamedSplit(0, fold, sides["train"], sides.get("val", ()), sides["test"])
