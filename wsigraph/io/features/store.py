"""A zarr store, format 2 or 3, of which only plain arrays are read: chunk by chunk, each checked first.

The library ``zarr`` is not asked: it follows links, fills what is missing with zeros, and makes room for what
metadata declare before a chunk is seen.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.arrays import number_type
from wsigraph.io.features.chunk_codecs import ChunkError, unpack
from wsigraph.io.features.guard import AGAIN

METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
LONGEST_METADATA = 2**20
MOST_CHUNKS = 2**20
LARGEST_RATIO = 4096
"""A chunk that unpacks to more than this many times its size holds no features."""
DTYPES_V3 = {
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    **{
        f"{sign}int{8 * size}": f"<{kind}{size}"
        for sign, kind in (("", "i"), ("u", "u"))
        for size in (1, 2, 4, 8)
    },
}


@dataclass(frozen=True)
class ArrayPlan:
    """What the metadata of an array declare, checked for sense."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: np.dtype
    codec: str
    prefix: str
    separator: str


class GuardedStore:
    """A zarr store, opened.

    Args:
        path: Folder of the store.

    Raises: FeatureFileError: if it is a link.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = f"Feature store '{path}'"
        self._plain(path)

    def members(self, group: str = "") -> list[str]:
        """Names of what lies in a group, sorted; empty where there is no such group."""
        folder = self.path / group
        if not folder.is_dir():
            return []
        self._plain(folder)
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())

    def summary(self) -> str:
        """Names of the groups."""
        return f"groups {self.members()[:10]}, tables {self.members('tables')[:10]}"

    def attributes(self, group: str = "") -> dict[str, Any]:
        """Attributes of a group; empty where it has none."""
        folder = self.path / group
        if (folder / "zarr.json").is_file():
            found = self._json(folder / "zarr.json").get("attributes", {})
        elif (folder / ".zattrs").is_file():
            found = self._json(folder / ".zattrs")
        else:
            found = {}
        return found if isinstance(found, dict) else {}

    def has(self, array: str) -> bool:
        """Whether an array of this name is there."""
        folder = self.path / array
        if (folder / ".zarray").is_file():
            return True
        one = folder / "zarr.json"
        return one.is_file() and self._json(one).get("node_type") == "array"

    def read(self, array: str) -> np.ndarray:
        """All of one array.

        Raises: FeatureFileError: if it is damaged, packed in an unknown way, or larger than what is stored.
        """
        folder = self.path / array
        self._plain(folder)
        plan = self._plan(folder)
        counts = [math.ceil(n / c) for n, c in zip(plan.shape, plan.chunks, strict=True)]
        if math.prod(counts) > MOST_CHUNKS:
            raise self._refuse(f"at most {MOST_CHUNKS} chunks of '{array}'", f"{math.prod(counts):,}")
        self._check_stored(folder, plan, math.prod(counts))
        found = np.empty(plan.shape, dtype=plan.dtype)
        for place in np.ndindex(*counts):
            spans = tuple(slice(p * c, p * c + c) for p, c in zip(place, plan.chunks, strict=True))
            chunk = self._chunk(folder, plan, place)
            found[spans] = chunk[tuple(slice(0, n) for n in found[spans].shape)]
        return found

    def _plan(self, folder: Path) -> ArrayPlan:
        third = (folder / "zarr.json").is_file()
        about = self._json(folder / ("zarr.json" if third else ".zarray"))
        try:
            plan = _plan_v3(about) if third else _plan_v2(about)
        except (ChunkError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise self._refuse(f"a plain dense array at '{folder.name}'", f"{error!r}") from error
        if (
            not plan.shape
            or len(plan.shape) != len(plan.chunks)
            or min(plan.chunks) < 1
            or min(plan.shape) < 0
        ):
            raise self._refuse(
                f"chunks that fit '{folder.name}'", f"shape {plan.shape} in chunks of {plan.chunks}"
            )
        return plan

    def _check_stored(self, folder: Path, plan: ArrayPlan, chunks: int) -> None:
        """What is declared must be stored, before room is made for it."""
        files = [self._file(folder, plan, (0,) * len(plan.shape))] if chunks else []
        files = [file for file in files if file.is_file()]
        stored = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
        declared = math.prod(plan.shape) * plan.dtype.itemsize
        chunk = math.prod(plan.chunks) * plan.dtype.itemsize
        if (chunks and not files) or max(declared, chunk if chunks else 0) > stored * LARGEST_RATIO:
            raise self._refuse(
                f"'{folder.name}' to hold the {max(declared, chunk):,} bytes it declares",
                f"{stored:,} stored",
            )

    def _chunk(self, folder: Path, plan: ArrayPlan, place: tuple[int, ...]) -> np.ndarray:
        file = self._file(folder, plan, place)
        if file.is_symlink() or not file.is_file():
            raise self._refuse(
                f"chunk '{file.relative_to(self.path)}'", "none, or a link; zeros are not filled in"
            )
        size = math.prod(plan.chunks) * plan.dtype.itemsize
        try:
            content = unpack(file.read_bytes(), plan.codec, size=size)
        except ChunkError as error:
            raise self._refuse(f"a whole chunk '{file.relative_to(self.path)}'", f"{error}") from error
        return np.frombuffer(content, dtype=plan.dtype).reshape(plan.chunks)

    def _file(self, folder: Path, plan: ArrayPlan, place: tuple[int, ...]) -> Path:
        return folder / (plan.prefix + plan.separator.join(map(str, place)))

    def _json(self, file: Path) -> dict[str, Any]:
        if file.is_symlink() or file.stat().st_size > LONGEST_METADATA:
            raise self._refuse(
                f"metadata of at most {LONGEST_METADATA} bytes", f"'{file.name}', larger or a link"
            )
        try:
            found = json.loads(file.read_bytes())
        except (ValueError, RecursionError, OSError) as error:
            raise self._refuse(f"metadata in '{file.name}'", f"{error}") from error
        if not isinstance(found, dict):
            raise self._refuse(f"metadata in '{file.name}'", f"a {type(found).__name__}")
        return found

    def _plain(self, folder: Path) -> None:
        """No step of the way below the store may be a link: links lead out of it, or round in circles."""
        below = [folder, *folder.parents][: len(folder.relative_to(self.path).parts)]
        for step in below:
            if step.is_symlink():
                raise self._refuse("all data in this store", f"'{step.name}', a link")

    def _refuse(self, what: str, got: str, todo: str = AGAIN) -> FeatureFileError:
        return FeatureFileError(expected(self.where, what, got, todo=todo))


def _plan_v2(about: dict[str, Any]) -> ArrayPlan:
    if about.get("filters") or about.get("order", "C") != "C":
        raise ChunkError("filters, or columns first")
    codec = about["compressor"]
    return ArrayPlan(
        shape=_counts(about["shape"]),
        chunks=_counts(about["chunks"]),
        dtype=_numbers(about["dtype"]),
        codec="" if codec is None else str(codec["id"]),
        prefix="",
        separator=_separator(about.get("dimension_separator", ".")),
    )


def _plan_v3(about: dict[str, Any]) -> ArrayPlan:
    first, *packers = about["codecs"]
    endian = first.get("configuration", {}).get("endian", "little")
    if (
        about.get("node_type") != "array"
        or first["name"] != "bytes"
        or endian != "little"
        or len(packers) > 1
    ):
        raise ChunkError(f"codecs {[one.get('name') for one in about['codecs']]}")
    key = about["chunk_key_encoding"]
    default = key["name"] == "default"
    separator = _separator(key.get("configuration", {}).get("separator", "/" if default else "."))
    return ArrayPlan(
        shape=_counts(about["shape"]),
        chunks=_counts(about["chunk_grid"]["configuration"]["chunk_shape"]),
        dtype=_numbers(DTYPES_V3.get(about["data_type"], "")),
        codec=str(packers[0]["name"]) if packers else "",
        prefix=f"c{separator}" if default else "",
        separator=separator,
    )


def _counts(values: Any) -> tuple[int, ...]:
    if (
        not isinstance(values, list)
        or len(values) > 3
        or not all(type(n) is int and n < 2**40 for n in values)
    ):
        raise ChunkError(f"sizes {str(values)[:60]}")
    return tuple(values)


def _numbers(text: Any) -> np.dtype:
    kind = number_type(text) if isinstance(text, str) else None
    if kind is None:
        raise ChunkError(f"dtype '{str(text)[:40]}'")
    return kind


def _separator(text: Any) -> str:
    if text not in (".", "/"):
        raise ChunkError(f"separator {str(text)[:10]!r}")
    return str(text)
