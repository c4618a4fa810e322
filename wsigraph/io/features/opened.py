"""Open whatever stands at a path, judged by its first bytes and never by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.archive import ZIP_SIGNATURE, open_zip
from wsigraph.io.features.arrays import NPY_SIGNATURE, GuardedArrays, open_arrays
from wsigraph.io.features.format import Opened
from wsigraph.io.features.guard import SIGNATURE, open_guarded
from wsigraph.io.features.store import METADATA, GuardedStore
from wsigraph.io.features.table import GuardedTable
from wsigraph.io.features.tensors import open_tensors

PICKLE_SIGNATURE = b"\x80"
TEXT = b"\t\r\n\xef\xbb\xbf"
"""Bytes that text may start with besides the printable ones: white space, and the mark of UTF-8."""

SHOWN = 10


class GuardedFolder:
    """A folder of files that belong to one slide.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = f"Feature folder '{path}'"

    def summary(self) -> str:
        """Names of the first entries."""
        return f"entries {sorted(entry.name for entry in self.path.iterdir())[:SHOWN]}"


@contextmanager
def open_features(path: str | Path) -> Iterator[Opened]:
    """Open a feature file, a store or a folder of one slide.

    Raises: FeatureFileError: if there is none, or it is of no kind that can hold features.
    """
    path = Path(path)
    if path.is_dir():
        yield GuardedStore(path) if any((path / name).is_file() for name in METADATA) else GuardedFolder(path)
        return
    head = _head(path)
    if head[:4] == ZIP_SIGNATURE:
        with _open_archive(path) as archive:
            yield archive
    elif head[:6] == NPY_SIGNATURE:
        with open_arrays(path) as arrays:
            yield arrays
    elif head[:1] == PICKLE_SIGNATURE:
        with open_tensors(path) as tensors:
            yield tensors
    elif head and all(32 <= byte < 127 or byte in TEXT for byte in head):
        yield GuardedTable(path)
    else:
        with open_guarded(path) as file:
            yield file


@contextmanager
def _open_archive(path: Path) -> Iterator[Opened]:
    with open_zip(path) as archive:
        arrays = any(name.endswith(".npy") for name in archive.members)
        if arrays:
            yield GuardedArrays(path, archive)
            return
    with open_tensors(path) as tensors:
        yield tensors


def _head(path: Path) -> bytes:
    if not path.is_file():
        raise FeatureFileError(
            expected(f"Feature file '{path}'", "a file", "none at this path", todo="Check the path.")
        )
    try:
        with open(path, "rb") as file:
            return file.read(len(SIGNATURE))
    except OSError as error:
        raise FeatureFileError(
            expected(f"Feature file '{path}'", "a readable file", f"{error.strerror}")
        ) from error
