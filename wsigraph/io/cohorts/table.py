"""Tables as others publish them: with or without a header, commas or tabs, columns under several names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wsigraph.errors import CohortError, expected
from wsigraph.io.slide_names import SLIDE_SUFFIXES


@dataclass(frozen=True)
class Table:
    """The cells of a table.

    Args:
        path: Its file.
        lines: Cells of each line, the header included, without blanks at their ends.
    """

    path: Path
    lines: tuple[tuple[str, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """Cells of the first line."""
        return self.lines[0]

    @property
    def side(self) -> str:
        """The side that its name says: ``train`` of ``nsclc_train.csv``; empty where it says none."""
        last = self.path.stem.rpartition("_")[2]
        return last if last in ("train", "val", "test") else ""

    def where(self, number: int) -> str:
        """A line as errors call it."""
        return f"Table '{self.path.name}', line {number}"

    def rows(
        self, columns: Mapping[str, Sequence[str]], *, optional: Sequence[str] = ()
    ) -> list[dict[str, str]]:
        """Cells by our name of the column; empty where the table lacks an optional one.

        Args:
            columns: Names that a column has in tables, by our name; the first that is there is read.
            optional: Our names of those that a table may lack.

        Raises: CohortError: if another column is missing, or a line has more or fewer cells than the header.
        """
        found = {ours: name for ours, known in columns.items() for name in known[::-1] if name in self.header}
        missing = [known[0] for ours, known in columns.items() if ours not in (*found, *optional)]
        if missing:
            where = f"Table '{self.path}'"
            raise CohortError(expected(where, f"columns {missing}", f"{list(self.header)}"))
        rows = []
        for number, line in enumerate(self.lines[1:], start=2):
            if len(line) != len(self.header):
                what = f"{len(self.header)} cells, as the header has"
                raise CohortError(expected(self.where(number), what, f"{len(line)}"))
            cells = dict(zip(self.header, line, strict=True))
            rows.append({ours: cells[found[ours]] if ours in found else "" for ours in columns})
        return rows


def read_table(path: Path) -> Table:
    """Read a CSV or TSV.

    Raises: CohortError: if it cannot be read or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        delimiter = "\t" if lines and "\t" in lines[0] else ","
        cells = tuple(
            tuple(cell.strip() for cell in line) for line in csv.reader(lines, delimiter=delimiter) if line
        )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CohortError(expected(f"Table '{path}'", "a readable CSV file", f"{error}")) from error
    if not cells:
        raise CohortError(expected(f"Table '{path}'", "at least one line", "none"))
    return Table(path, cells)


def bare(name: str) -> str:
    """A slide's name without folder and without the suffix of a slide: ``a/b.tif`` -> ``b``."""
    name = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    suffix = next((suffix for suffix in SLIDE_SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]
