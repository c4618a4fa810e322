"""Patho-Bench's table: a row per slide, a column ``fold_<k>`` of train, val and test per fold."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wsigraph.errors import CohortError, expected
from wsigraph.io.atomic import write_text
from wsigraph.io.cohorts.table import Table
from wsigraph.io.splits.named import SIDES, NamedSplit, SplitSet
from wsigraph.training.official_split import side_of

NAME: Final = "patho_bench.tsv"
_FOLD: Final = re.compile(r"fold_(\d+)")


def is_patho_bench(table: Table) -> bool:
    """Whether a table has slides and folds."""
    return "slide_id" in table.header and any(map(_FOLD.fullmatch, table.header))


def read_patho_bench(table: Table) -> SplitSet:
    """Read the folds of a table; a slide whose cell is empty stands in no side of that fold.

    Raises: CohortError: if a cell is no side.
    """
    numbers = sorted(int(match[1]) for name in table.header if (match := _FOLD.fullmatch(name)))
    columns = {"slide_id": ("slide_id",), **{f"fold_{n}": (f"fold_{n}",) for n in numbers}}
    rows = table.rows(columns)
    splits = []
    for fold, number in enumerate(numbers):
        sides: dict[str, list[str]] = {side: [] for side in SIDES}
        for line, row in enumerate(rows, start=2):
            told = row[f"fold_{number}"]
            side = side_of(told)
            if told and not side:
                what = "train, val, test or nothing"
                raise CohortError(expected(f"{table.where(line)}, fold_{number}", what, f"{told!r}"))
            if side:
                sides[side].append(row["slide_id"])
        splits.append(NamedSplit(0, fold, *(tuple(sides[side]) for side in SIDES)))
    return SplitSet(tuple(splits), f"Splits '{table.path}'")


def write_patho_bench(
    found: SplitSet, path: Path, *, patients: Mapping[str, str], labels: Mapping[str, str]
) -> None:
    """Write the table: ``case_id``, ``slide_id``, ``label`` and a column per split.

    Args:
        found: The splits; those of later repeats count on.
        path: The file.
        patients: Patient by slide; its slides are the rows.
        labels: Class by slide.
    """
    sides = [{name: side for side, names in split.sides.items() for name in names} for split in found.splits]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(["case_id", "slide_id", "label", *(f"fold_{number}" for number in range(len(sides)))])
    for slide, patient in patients.items():
        writer.writerow([patient, slide, labels[slide], *(of.get(slide, "") for of in sides)])
    write_text(path, text.getvalue())
