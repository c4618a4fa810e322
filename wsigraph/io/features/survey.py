"""Everything about a feature file but the features themselves: read in blocks, nothing kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wsigraph.data.patch_features import PatchFeatures, nonfinite_rows
from wsigraph.io.features.formats.own import MARK
from wsigraph.io.features.guard import GuardedFile, open_guarded
from wsigraph.io.features.reader import read_features, read_opened
from wsigraph.io.features.writer import HASHED, data_hash

BLOCK_BYTES = 2**21
"""What is held of the matrix at a time: large enough for the disk, small enough for the processor's cache."""
IN_BLOCKS = (".h5", ".hdf5")
MATRICES = ("features", "feats")
"""Names under which layouts keep the matrix."""
SHOWN_ROWS = 5


@dataclass(frozen=True)
class Survey:
    """What a feature file holds.

    Args:
        features: Coordinates and facts, with one channel of zeros in place of the features.
        in_channels: Channels of a row.
        nonfinite: Rows with NaN or inf.
        first_nonfinite: The first few of them.
        constant: Whether all rows are the same.
        digest: Hash of features and coordinates as stored, ``features_hash`` computed anew.
        stored_digest: The hash that the file states; empty where it states none.
        row_by_row: Whether the matrix is stored in chunks of one row, which read slowly.
    """

    features: PatchFeatures
    in_channels: int
    nonfinite: int
    first_nonfinite: tuple[int, ...]
    constant: bool
    digest: str
    stored_digest: str = ""
    row_by_row: bool = False


class HollowFile(GuardedFile):
    """An open feature file whose matrix reads as one channel of zeros of the right length.

    Args:
        file: The file as it was opened and checked.
    """

    def __init__(self, file: GuardedFile) -> None:
        vars(self).update(vars(file))

    def read(self, name: str) -> np.ndarray:
        """One dataset; of a matrix of features only its number of rows."""
        if name not in MATRICES:
            return super().read(name)
        shape = self.shape(name)
        return np.broadcast_to(np.float16(0), shape if 0 in shape else (*shape[:-1], 1))


def survey_features(path: str | Path) -> Survey:
    """Read a feature file once; of HDF5 in blocks, so that memory does not grow with its matrix.

    Args:
        path: What ``read_features`` takes.

    Raises: FeatureFileError: if the file is broken, hostile, empty or in no known layout.
        FeatureError: on mismatched lengths or impossible coordinates. NaN and inf are counted, not refused,
            in HDF5.
    """
    path = Path(path)
    if path.suffix.lower() not in IN_BLOCKS:
        return _whole(read_features(path))
    with open_guarded(path) as file:
        features = read_opened(HollowFile(file))
        name = next((name for name in MATRICES if name in file.datasets), None)
        if name is None:
            return _whole(read_opened(file))
        digest = hashlib.sha256(_header(file, name))
        bad: list[int] = []
        count, constant = 0, True
        first: np.ndarray | None = None
        for start, block in _blocks(file, name):
            digest.update(block.data)
            rows = block.reshape(-1, block.shape[-1])
            first = rows[0].copy() if first is None else first
            constant = constant and bool((rows[-1] == first).all() and (rows == first).all())
            found = nonfinite_rows(rows)
            count += len(found)
            bad += (found[: SHOWN_ROWS - len(bad)] + start).tolist()
        for other in HASHED[1:]:
            if other in file.datasets:
                digest.update(_header(file, other))
                digest.update(np.ascontiguousarray(file.read(other)).data)
        root = file.attributes()
        stored = str(root.get("sha256", "")) if root.get("format") == MARK else ""
        width, chunks = file.shape(name)[-1], file.datasets[name].chunks
    slow = chunks is not None and chunks[:-1] in ((1,), (1, 1)) and len(features) > 1
    return Survey(features, width, count, tuple(bad), constant, digest.hexdigest(), stored, slow)


def _whole(features: PatchFeatures) -> Survey:
    """The survey of features that were read as a whole, as other kinds of files are."""
    x = features.x
    return Survey(
        replace(features, x=np.zeros((len(x), 1), dtype=np.float16)),
        x.shape[1],
        nonfinite=0,
        first_nonfinite=(),
        constant=bool((x == x[0]).all()),
        digest=data_hash(x, features.coords),
    )


def _header(file: GuardedFile, name: str) -> bytes:
    return f"{file.datasets[name].dtype.str}{file.shape(name)}".encode()


def _blocks(file: GuardedFile, name: str) -> Iterator[tuple[int, np.ndarray]]:
    """First row and rows of each block of a matrix, whole chunks at a time, in one buffer."""
    dataset = file.checked(name)
    if dataset.ndim != 2:
        yield 0, np.ascontiguousarray(dataset[...])
        return
    row_bytes = max(1, dataset.shape[1] * dataset.dtype.itemsize)
    chunk = dataset.chunks[0] if dataset.chunks else 1
    rows = max(1, BLOCK_BYTES // row_bytes // chunk) * chunk
    buffer = np.empty((min(rows, len(dataset)), dataset.shape[1]), dtype=dataset.dtype)
    for start in range(0, len(dataset), rows):
        block = buffer[: min(rows, len(dataset) - start)]
        dataset.read_direct(block, np.s_[start : start + len(block)])
        yield start, block
