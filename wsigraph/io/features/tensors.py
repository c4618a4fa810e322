"""Tensors of torch in ``.pt`` files, read without unpickling and without torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.archive import ZIP_SIGNATURE, GuardedZip, open_zip
from wsigraph.io.features.guard import AGAIN
from wsigraph.io.features.pickled import (
    LONGEST,
    NotTensorsError,
    Storage,
    TensorPlan,
    describe,
    describe_first,
)

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How torch before 1.6 begins a file."""

CONVERT = (
    "Pickled objects are never loaded. Where the file was written, save its tensors: "
    "torch.save({'features': graph.x, 'coords': graph.pos}, path), with the names of its own fields."
)
SAVE_AGAIN = "Load it with torch where it was written and save the tensor again: torch.save(tensor, path)."


class GuardedTensors:
    """What a ``.pt`` file holds: one tensor, or tensors by name.

    Args:
        path: The file, for error texts.
        found: What its pickle describes.
        stored: Gives the bytes of a storage by its key.
    """

    def __init__(self, path: Path, found: Any, stored: Callable[[str], bytes]) -> None:
        self.path = path
        self.where = f"Feature file '{path}'"
        self._stored = stored
        self.single = found if isinstance(found, TensorPlan) else None
        self.named = _named(found)

    def summary(self) -> str:
        """Shape of the tensor, or names of the tensors."""
        if self.single is not None:
            return f"a tensor of shape {list(self.single.size)}"
        return f"tensors {list(self.named)[:10]}"

    def read(self, name: str = "") -> np.ndarray:
        """One tensor as an array.

        Raises: FeatureFileError: if the archive does not store what it declares.
        """
        plan = self.single if not name else self.named[name]
        assert plan is not None
        return self._array(plan)

    def _array(self, plan: TensorPlan) -> np.ndarray:
        storage = plan.storage
        content = self._stored(storage.key)
        half = storage.dtype == "bfloat16"
        kind = np.dtype("<u2" if half else storage.dtype)
        steps = zip(plan.size, plan.stride, strict=False)
        last = plan.offset + sum(max(0, size - 1) * stride for size, stride in steps)
        count = math.prod(plan.size)
        whole = len(content) == storage.length * kind.itemsize and len(plan.size) == len(plan.stride)
        if not whole or count > storage.length or (count and last >= storage.length):
            raise _refuse(
                self.path,
                f"a tensor of shape {list(plan.size)} within {storage.length:,} numbers",
                f"{len(content):,} bytes, read to number {last:,}",
                AGAIN,
            )
        flat = np.frombuffer(content, dtype=kind)
        if half:  # the upper half of a float32
            flat = (flat.astype(np.uint32) << 16).view(np.float32)
        strides = tuple(step * flat.itemsize for step in plan.stride)
        return np.lib.stride_tricks.as_strided(
            flat[plan.offset :], plan.size, strides, writeable=False
        ).copy()


def _named(found: Any) -> dict[str, TensorPlan]:
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: plan for name, plan in pairs if isinstance(name, str) and isinstance(plan, TensorPlan)}


@contextmanager
def open_tensors(path: Path) -> Iterator[GuardedTensors]:
    """Open a ``.pt`` file, as torch writes it since 1.6 (a zip) or wrote it before.

    Raises: FeatureFileError: if it is damaged, hostile, or holds pickled objects.
    """
    with open(path, "rb") as file:
        head = file.read(len(MAGIC))
    if head[: len(ZIP_SIGNATURE)] == ZIP_SIGNATURE:
        with open_zip(path) as archive:
            yield _from_zip(archive)
    elif head == MAGIC:
        yield _from_pickles(path)
    else:
        raise _refuse(path, "features in a plain layout", "a pickle", CONVERT)


def _from_zip(archive: GuardedZip) -> GuardedTensors:
    roots = [name.removesuffix("data.pkl") for name in archive.members if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise archive.refuse("one 'data.pkl', as torch writes", f"{len(roots)}", SAVE_AGAIN)
    order = f"{roots[0]}byteorder"
    if order in archive.members and archive.read(order) != b"little":
        raise archive.refuse("numbers in little-endian order", "another", SAVE_AGAIN)
    try:
        found = describe(archive.read(f"{roots[0]}data.pkl"))
    except NotTensorsError as error:
        raise archive.refuse("plain tensors", f"{error}", CONVERT) from error
    return GuardedTensors(archive.path, found, lambda key: archive.read(f"{roots[0]}data/{key}"))


def _from_pickles(path: Path) -> GuardedTensors:
    """Pickles one after the other: magic number, version, machine, tensors, keys; then the storages."""
    content, place, parts = path.read_bytes(), 0, []
    try:
        for _ in range(5):
            part, length = describe_first(content[place : place + LONGEST])
            parts.append(part)
            place += length
    except NotTensorsError as error:
        raise _refuse(path, "plain tensors", f"{error}", CONVERT) from error
    _, version, machine, found, keys = parts
    little = isinstance(machine, dict) and machine.get("little_endian") is True
    if version != 1001 or not little or not isinstance(keys, list):
        raise _refuse(path, "little-endian tensors of torch before 1.6", f"version {version!r}", SAVE_AGAIN)
    types = {plan.storage.key: plan.storage for plan in [found, *_named(found).values()] if _is_plan(plan)}
    return GuardedTensors(path, found, _storages(path, content[place:], keys, types).__getitem__)


def _storages(path: Path, content: bytes, keys: list[Any], types: dict[str, Storage]) -> dict[str, bytes]:
    """Bytes of each storage: its number of numbers in eight bytes, then the numbers."""
    found, place = {}, 0
    for key in keys:
        if key not in types:
            raise _refuse(
                path, f"storages of the tensors {list(types)[:5]}", f"'{str(key)[:20]}'", SAVE_AGAIN
            )
        width = 2 if types[key].dtype == "bfloat16" else np.dtype(types[key].dtype).itemsize
        size = int.from_bytes(content[place : place + 8], "little") * width
        found[key] = content[place + 8 : place + 8 + size]
        place += 8 + size
    if place != len(content) or set(found) != set(types):
        raise _refuse(path, f"{place:,} bytes of storages", f"{len(content):,}", AGAIN)
    return found


def _is_plan(value: Any) -> bool:
    return isinstance(value, TensorPlan)


def _refuse(path: Path, what: str, got: str, todo: str) -> FeatureFileError:
    return FeatureFileError(expected(f"Feature file '{path}'", what, got, todo=todo))
