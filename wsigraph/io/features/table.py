"""A table of numbers in a CSV file: one row per patch, read within bounds."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.guard import AGAIN

LONGEST_LINE = 2**20
MOST_COLUMNS = 2**16


class GuardedTable:
    """A CSV file with a header.

    Args:
        path: The file.

    Raises: FeatureFileError: if the first line is no header of distinct names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = f"Feature file '{path}'"
        with open(path, "rb") as file:
            head = next(self._lines(file), b"")
        try:
            self.columns = [cell.strip().strip('"') for cell in head.decode("utf-8-sig").split(",")]
        except UnicodeDecodeError as error:
            raise self._refuse("text", f"{error}") from error
        if (
            len(set(self.columns)) != len(self.columns)
            or len(self.columns) > MOST_COLUMNS
            or not all(self.columns)
        ):
            raise self._refuse(
                f"a header of up to {MOST_COLUMNS} distinct names",
                f"{len(self.columns)} of which {len(set(self.columns))} differ: {head[:60]!r}",
                "The features of a slide are HDF5, zarr, NumPy, torch or CSV files.",
            )

    def summary(self) -> str:
        """Names of the columns."""
        return f"columns {self.columns[:10]}"

    def read(self) -> np.ndarray:
        """All rows, ``[N, columns]`` float64.

        Raises: FeatureFileError: if a cell is no number, or a row has too few or too many.
        """
        with open(self.path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a table without rows, which callers refuse
            lines = self._lines(file)
            next(lines)
            try:
                rows = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None, encoding="utf-8")
            except (ValueError, UnicodeDecodeError) as error:
                raise self._refuse("numbers in every cell", f"{error}") from error
        if rows.size and rows.shape[1] != len(self.columns):
            raise self._refuse(f"{len(self.columns)} cells in a row", f"{rows.shape[1]}")
        return rows.reshape(-1, len(self.columns))

    def _lines(self, file: BinaryIO) -> Iterator[bytes]:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise self._refuse(f"lines of at most {LONGEST_LINE} bytes", "a longer one")
            yield line

    def _refuse(self, what: str, got: str, todo: str = AGAIN) -> FeatureFileError:
        return FeatureFileError(expected(self.where, what, got[:200], todo=todo))
