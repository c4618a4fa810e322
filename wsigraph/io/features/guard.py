"""Open an HDF5 file that a stranger may have written, and trust nothing in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from wsigraph.errors import FeatureFileError, expected

SIGNATURE = b"\x89HDF\r\n\x1a\n"
DEFLATE_LIMIT = 1032
"""Deflate cannot shrink data more than 1032 times, so a larger declared size is a lie."""
ATTRIBUTE_LIMIT = 65536
MOST_ENTRIES = 1000
"""Entries at the root, and attributes of one owner; layouts have a handful."""
KNOWN_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_LZF,
}
SHRINKING_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SZIP, h5py.h5z.FILTER_LZF}
AGAIN = "Write or copy the file again."


class GuardedFile:
    """An open feature file whose entries were checked before anything was read.

    Args:
        path: The file, for error texts.
        file: Open h5py file.

    Raises: FeatureFileError: if an entry leads out of the file or is not plainly stored in it.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.where = f"Feature file '{path}'"
        self._file = file
        self._size = path.stat().st_size
        self._attributes: dict[str | None, dict[str, Any]] = {}
        self.datasets: dict[str, h5py.Dataset] = {}
        if len(file) > MOST_ENTRIES:
            raise self._refuse(f"at most {MOST_ENTRIES} entries", f"{len(file):,}")
        for name in file:
            self._check_link(name)
            entry = file[name]
            if isinstance(entry, h5py.Dataset):
                self._check_storage(name, entry)
                self.datasets[name] = entry

    def inside(self, group: str) -> list[str]:
        """Names of the datasets of a group, ``"obsm/spatial"``, which can be read from then on.

        Raises: FeatureFileError: if one of them, or the group, is a link or not plainly stored.
        """
        parts = group.split("/")
        for end in range(1, len(parts) + 1):
            name = "/".join(parts[:end])
            if name not in self._file:
                return []
            self._check_link(name)
            if not isinstance(self._file[name], h5py.Group):
                return []
        if len(self._file[group]) > MOST_ENTRIES:
            raise self._refuse(f"at most {MOST_ENTRIES} entries of '{group}'", "more")
        found = []
        for entry in self._file[group]:
            name = f"{group}/{entry}"
            self._check_link(name)
            dataset = self._file[name]
            if isinstance(dataset, h5py.Dataset):
                self._check_storage(name, dataset)
                self.datasets[name] = dataset
                found.append(name)
        return found

    def attributes(self, dataset: str | None = None) -> dict[str, Any]:
        """Small plain attributes of the root, or of one dataset; the string ``'None'`` counts as absent.

        Text of variable length is left out: it lies on a heap without checksum, where one flipped bit makes
        HDF5 hang or crash, and no layout keeps a needed fact in it.
        """
        if dataset not in self._attributes:
            owner = self._file if dataset is None else self.datasets[dataset]
            self._attributes[dataset] = self._plain(owner)
        return self._attributes[dataset]

    def _plain(self, owner: h5py.File | h5py.Dataset) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if len(owner.attrs) > MOST_ENTRIES:
            raise self._refuse(f"at most {MOST_ENTRIES} attributes", f"{len(owner.attrs):,}")
        for name in owner.attrs:
            handle = owner.attrs.get_id(name)
            if not _is_plain(handle.get_type()):
                continue
            if handle.get_storage_size() > ATTRIBUTE_LIMIT:
                raise self._refuse(f"attributes of at most {ATTRIBUTE_LIMIT} bytes", f"'{name}' is larger")
            value = owner.attrs[name]
            if isinstance(value, bytes):
                value = value.decode("utf-8", errors="replace")
            if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size == 1):
                value = value.item()
            if not (isinstance(value, str) and value.strip() in ("None", "")) and value is not None:
                found[name] = value
        return found

    def summary(self) -> str:
        """Names and shapes of the datasets."""
        return f"datasets { ({name: list(self.shape(name)) for name in self.datasets}) }"

    def shape(self, name: str) -> tuple[int, ...]:
        """Declared shape of a dataset, without reading it."""
        return tuple(self.datasets[name].shape or ())

    def read(self, name: str) -> np.ndarray:
        """All of one numeric dataset.

        Raises: FeatureFileError: if it holds objects or text, declares more than the file stores, or its
            checksum fails.
        """
        return self.checked(name)[...]

    def checked(self, name: str) -> h5py.Dataset:
        """One numeric dataset that declares no more than the file stores, to be read in parts."""
        dataset = self.datasets[name]
        if dataset.dtype.kind not in "iuf" or dataset.dtype.itemsize > 8:
            raise self._refuse(
                f"numbers in '{name}'", f"dtype {dataset.dtype}", "Objects are never unpickled."
            )
        self._check_size(name, dataset)
        return dataset

    def _refuse(self, what: str, got: str, todo: str = AGAIN) -> FeatureFileError:
        return FeatureFileError(expected(self.where, what, got, todo=todo))

    def _check_link(self, name: str) -> None:
        link = self._file.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise self._refuse("all data in this file", f"'{name}', an external link to '{link.filename}'")
        if not isinstance(link, h5py.HardLink):
            raise self._refuse("all data stored under their own name", f"'{name}', a soft link")

    def _check_storage(self, name: str, dataset: h5py.Dataset) -> None:
        plan = dataset.id.get_create_plist()
        if plan.get_external_count():
            raise self._refuse("all data in this file", f"external storage of '{name}'")
        if plan.get_layout() == h5py.h5d.VIRTUAL:
            raise self._refuse("all data in this file", f"'{name}', a virtual dataset")
        unknown = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        unknown = [code for code in unknown if code not in KNOWN_FILTERS]
        if unknown:
            raise self._refuse(
                "gzip, lzf, szip, shuffle or fletcher32 filters", f"filters {unknown} on '{name}'"
            )

    def _check_size(self, name: str, dataset: h5py.Dataset) -> None:
        declared = math.prod(dataset.shape or ()) * dataset.dtype.itemsize
        plan = dataset.id.get_create_plist()
        filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
        stored = min(dataset.id.get_storage_size(), self._size)
        possible = stored * (DEFLATE_LIMIT if filters & SHRINKING_FILTERS else 1)
        chunk = math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
        if declared > possible or (declared and chunk > possible):
            raise self._refuse(
                f"'{name}' to hold the {max(declared, chunk):,} bytes it declares",
                f"{stored:,} stored bytes in a file of {self._size:,}",
            )
        if filters & SHRINKING_FILTERS:
            self._check_chunks(name, dataset)

    def _check_chunks(self, name: str, dataset: h5py.Dataset) -> None:
        """Every chunk of a compressed dataset must be there: HDF5 would fill a missing one with zeros."""
        needed = math.prod(math.ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True))
        there = dataset.id.get_num_chunks()
        if there < needed:
            raise self._refuse(f"{needed} chunks of '{name}'", f"{there}; the rest was never written")


@contextmanager
def open_guarded(path: str | Path) -> Iterator[GuardedFile]:
    """Open a feature file for reading and turn every failure of HDF5 into one that names file and reason.

    Args:
        path: The file.

    Raises: FeatureFileError: if the file is missing, not HDF5, cut short, damaged or hostile.
    """
    path = Path(path)
    where = f"Feature file '{path}'"
    if not path.is_file():
        raise FeatureFileError(expected(where, "a file", "none at this path", todo="Check the path."))
    _check_signature(path, where)
    try:
        # no chunk cache: each chunk is read once, and passing through the cache costs a fifth of the time
        with h5py.File(path, "r", locking="best-effort", rdcc_nbytes=0) as file:
            yield GuardedFile(path, file)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, MemoryError) as error:
        raise FeatureFileError(
            expected(where, "a whole HDF5 file", _reason(error, path), todo=f"{AGAIN} ({error})")
        ) from error


def _is_plain(kind: h5py.h5t.TypeID) -> bool:
    """Numbers, truth values and text of fixed length."""
    if isinstance(kind, h5py.h5t.TypeStringID):
        return not kind.is_variable_str()
    return kind.get_class() in (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM)


def _check_signature(path: Path, where: str) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(len(SIGNATURE))
    except OSError as error:
        raise FeatureFileError(expected(where, "a readable file", f"{error.strerror}")) from error
    if head != SIGNATURE:
        size = path.stat().st_size
        raise FeatureFileError(
            expected(
                where,
                "an HDF5 file (features and coords)",
                f"{size:,} bytes that do not start as HDF5 does",
                todo="Features lie in HDF5, zarr, NumPy, torch or CSV files.",
            )
        )


def _reason(error: BaseException, path: Path) -> str:
    text = str(error).lower()
    size = path.stat().st_size
    if "truncated" in text or "addr overflow" in text or "eof" in text:
        return f"one cut short at {size:,} bytes"
    if "fletcher32" in text or "filter returned failure" in text or "checksum" in text:
        return "data that fail their checksum"
    return f"a damaged one of {size:,} bytes"
