"""Rows of an array too large to hold, written once and looked into."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from wsigraph.errors import RunError, expected
from wsigraph.io.atomic import atomic_path


def write_rows(path: Path, batches: Iterable[np.ndarray], *, count: int) -> None:
    """Write rows one batch after the other, atomically, in NumPy's own format.

    Args:
        path: Where to, ``.npy``.
        batches: ``[b, ...]`` each, of one type and shape.
        count: Rows of all batches together.

    Raises: RunError: if there are more or fewer rows, or they differ in type or shape.
    """
    with atomic_path(path) as temporary:
        rows, done = None, 0
        for batch in batches:
            if rows is None:
                shape = (count, *batch.shape[1:])
                rows = np.lib.format.open_memmap(temporary, mode="w+", dtype=batch.dtype, shape=shape)
            fits = batch.dtype == rows.dtype and batch.shape[1:] == rows.shape[1:]
            if not fits or done + len(batch) > count:
                got = f"{len(batch)} of {batch.dtype} {list(batch.shape[1:])} after {done}"
                raise RunError(expected(f"Rows of '{path}'", f"{count} of one type and shape", got))
            rows[done : done + len(batch)] = batch
            done += len(batch)
        if rows is None or done != count:
            raise RunError(expected(f"Rows of '{path}'", f"{count}", f"{done}"))
        rows.flush()
        del rows


def read_rows(path: Path) -> np.ndarray:
    """The rows as an array that reads from the file what it is asked for."""
    return np.load(path, mmap_mode="r", allow_pickle=False)


def drop_file(path: Path) -> None:
    """Delete a file that is no longer needed, if it is there."""
    path.unlink(missing_ok=True)
