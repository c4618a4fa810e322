"""Arrays of NumPy, in ``.npy`` and ``.npz`` files, without ever unpickling."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.archive import GuardedZip, open_zip
from wsigraph.io.features.guard import AGAIN

NPY_SIGNATURE = b"\x93NUMPY"
LONGEST_HEADER = 4096
HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=]?[a-zA-Z]\d*)',\s*'fortran_order':\s*(True|False),"
    rb"\s*'shape':\s*\(((?:\d{1,18},?\s*){0,4})\)\s*,?\s*\}\s*"
)
"""What NumPy writes for plain arrays; parsed by this alone, never evaluated."""


class GuardedArrays:
    """Plain numeric arrays by name; a single ``.npy`` has the name ``""``.

    Args:
        path: The file, for error texts.
        archive: The archive it is, None for a single array.
    """

    def __init__(self, path: Path, archive: GuardedZip | None) -> None:
        self.path = path
        self.where = f"Feature file '{path}'"
        self._archive = archive
        members = [""] if archive is None else [name for name in archive.members if name.endswith(".npy")]
        self.names = [name.removesuffix(".npy") for name in members]

    def summary(self) -> str:
        """Names of the arrays."""
        return f"arrays {self.names[:10]}"

    def read(self, name: str = "") -> np.ndarray:
        """One array.

        Raises: FeatureFileError: if it holds objects or text, or not the bytes that it declares.
        """
        if self._archive is None:
            return parse_npy(self.path.read_bytes(), self.where)
        return parse_npy(self._archive.read(f"{name}.npy"), f"{self.where}, array '{name}'")


def parse_npy(content: bytes, where: str) -> np.ndarray:
    """An array from the bytes of an ``.npy`` file.

    Raises: FeatureFileError: if it is damaged, or holds anything but numbers.
    """
    start, header = _header(content, where)
    found = HEADER.fullmatch(header)
    if found is None:
        raise _refuse(where, "a plain array of numbers", f"header {header[:80]!r}")
    kind = number_type(found[1].decode())
    if kind is None:
        raise _refuse(
            where, "an array of numbers", f"dtype '{found[1].decode()}'", "Objects are never unpickled."
        )
    shape = tuple(int(n) for n in re.findall(rb"\d+", found[3]))
    size = math.prod(shape) * kind.itemsize
    if size != len(content) - start:
        raise _refuse(
            where, f"the {size:,} bytes of shape {list(shape)} that it declares", f"{len(content) - start:,}"
        )
    flat = np.frombuffer(content, dtype=kind, offset=start)
    return flat.reshape(shape, order="F" if found[2] == b"True" else "C")


def _header(content: bytes, where: str) -> tuple[int, bytes]:
    """Where the data start, and the text before them."""
    if content[:6] != NPY_SIGNATURE or len(content) < 12:
        raise _refuse(where, "an array of NumPy", f"{len(content):,} bytes that do not start as one does")
    width = 2 if content[6] == 1 else 4
    length = int.from_bytes(content[8 : 8 + width], "little")
    start = 8 + width + length
    if length > LONGEST_HEADER or start > len(content):
        raise _refuse(where, f"a header of at most {LONGEST_HEADER} bytes", f"one of {length:,}")
    return start, content[8 + width : start]


def number_type(text: str) -> np.dtype | None:
    """A numeric type of at most 8 bytes, None for every other."""
    try:
        kind = np.dtype(text)
    except TypeError:
        return None
    return kind if kind.kind in "iuf" and kind.itemsize <= 8 else None


def _refuse(where: str, what: str, got: str, todo: str = AGAIN) -> FeatureFileError:
    return FeatureFileError(expected(where, what, got, todo=todo))


@contextmanager
def open_arrays(path: Path) -> Iterator[GuardedArrays]:
    """Open an ``.npy`` or ``.npz`` file.

    Raises: FeatureFileError: if it is damaged or hostile.
    """
    with open(path, "rb") as file:
        single = file.read(len(NPY_SIGNATURE)) == NPY_SIGNATURE
    if single:
        yield GuardedArrays(path, None)
        return
    with open_zip(path) as archive:
        yield GuardedArrays(path, archive)
