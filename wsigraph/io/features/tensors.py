"""Tensors of torch in ``.pt`` files, read without unpickling and without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.archive import GuardedZip, open_zip
from wsigraph.io.features.pickled import NotTensorsError, TensorPlan, describe

CONVERT = (
    "Pickled objects are never loaded. Where the file was written, save its tensors: "
    "torch.save({'features': graph.x, 'coords': graph.pos}, path), with the names of its own fields."
)
SAVE_AGAIN = "Load it with torch where it was written and save the tensor again: torch.save(tensor, path)."


class GuardedTensors:
    """What a ``.pt`` file holds: one tensor, or tensors by name.

    Args:
        archive: The file, opened.

    Raises: FeatureFileError: if it holds anything but tensors and plain values.
    """

    def __init__(self, archive: GuardedZip) -> None:
        self.path = archive.path
        self.where = archive.where
        self._archive = archive
        roots = [name.removesuffix("data.pkl") for name in archive.members if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise archive.refuse("one 'data.pkl', as torch writes", f"{len(roots)}", SAVE_AGAIN)
        self._root = roots[0]
        if (
            f"{self._root}byteorder" in archive.members
            and archive.read(f"{self._root}byteorder") != b"little"
        ):
            raise archive.refuse("numbers in little-endian order", "another", SAVE_AGAIN)
        try:
            found = describe(archive.read(f"{self._root}data.pkl"))
        except NotTensorsError as error:
            raise archive.refuse("plain tensors", f"{error}", CONVERT) from error
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
        content = self._archive.read(f"{self._root}data/{storage.key}")
        half = storage.dtype == "bfloat16"
        kind = np.dtype("<u2" if half else storage.dtype)
        steps = zip(plan.size, plan.stride, strict=False)
        last = plan.offset + sum(max(0, size - 1) * stride for size, stride in steps)
        count = math.prod(plan.size)
        whole = len(content) == storage.length * kind.itemsize and len(plan.size) == len(plan.stride)
        if not whole or count > storage.length or (count and last >= storage.length):
            raise self._archive.refuse(
                f"a tensor of shape {list(plan.size)} within {storage.length:,} numbers",
                f"{len(content):,} bytes, read to number {last:,}",
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
    """Open a ``.pt`` file.

    Raises: FeatureFileError: if it is damaged, hostile, or holds pickled objects.
    """
    with open_zip(path) as archive:
        yield GuardedTensors(archive)


def refuse_pickle(path: Path) -> FeatureFileError:
    """The error for a file that is a bare pickle, as torch before 1.6 and graph tools write it."""
    return FeatureFileError(
        expected(
            f"Feature file '{path}'",
            "features in a plain layout",
            "a pickle",
            todo=f"{CONVERT} A tensor that torch before 1.6 saved need only be loaded and saved again.",
        )
    )
