"""Write feature files that are whole, checked and quick to read."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import h5py
import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureError, FeatureFileError, expected
from wsigraph.io.atomic import atomic_path
from wsigraph.io.features.formats.own import MARK
from wsigraph.io.features.guard import GuardedFile, open_guarded
from wsigraph.io.features.opened import open_features
from wsigraph.io.features.reader import read_opened
from wsigraph.io.hdf5_text import fixed_text

CHUNK_BYTES = 2**20
GROWTH = 2**24
HASHED = ("features", "coords", "joins")
"""Datasets that the hash of a file covers; the last stands in few."""
HALF_LIMIT = float(np.finfo(np.float16).max)


def write_features(path: str | Path, features: PatchFeatures) -> None:
    """Write one slide's features as HDF5 with TRIDENT's names.

    The file appears at ``path`` only after it was closed, reopened and its hash compared. Features are
    stored as float16 unless a value lies beyond its range (then float32), in row chunks of 1 MiB with
    checksums; chunks of one row read many times slower.

    Args:
        path: Where the file will stand; ``<slide_id>.h5`` by convention.
        features: At least one patch.

    Raises: FeatureError: if there is no patch. FeatureFileError: if the file cannot be written.
    """
    where = f"Feature file '{path}'"
    if not len(features):
        raise FeatureError(
            expected(
                where, "at least one patch", f"none on slide '{features.slide_id}'", todo="Leave it out."
            )
        )
    x = _stored(features.x)
    coords = np.ascontiguousarray(features.coords, dtype="<i8")
    joins = np.ascontiguousarray(features.joins, dtype="<i8")
    digest = data_hash(x, coords, *([joins] if len(joins) else []))

    def verify(temporary: Path) -> None:
        if verify_features(temporary) != digest:
            raise FeatureFileError(
                expected(where, f"sha256 {digest} read back", "another", todo="Try again.")
            )

    try:
        with atomic_path(path, verify=verify) as temporary:
            temporary.write_bytes(_image(x, coords, features, digest))
    except OSError as error:
        raise FeatureFileError(
            expected(where, "to write it", f"'{error}'", todo="Check free space and rights of the folder.")
        ) from error


def verify_features(path: str | Path) -> str:
    """Recompute the hash of one of our files and return it.

    Raises: FeatureFileError: if the file is unfinished, or its data are not those that were written.
    """
    with open_guarded(path) as file:
        stored = _stored_hash(file)
        digest = data_hash(*(file.read(name) for name in HASHED if name in file.datasets))
    if stored != digest:
        raise FeatureFileError(
            expected(
                f"Feature file '{path}'", f"data of sha256 {stored}", digest, todo="Encode the slide again."
            )
        )
    return digest


def features_hash(path: str | Path) -> str:
    """Hash of features, coordinates and given edges: the stored one in our files, computed for other layouts.

    Two slides with one hash are one slide under two names.

    Raises: FeatureFileError: if the file is broken or has no features.
    """
    with open_features(path) as file:
        if isinstance(file, GuardedFile) and "features" in file.datasets:
            stored = file.attributes().get("sha256")
            if isinstance(stored, str) and file.attributes().get("format") == MARK:
                return stored
            return data_hash(*(file.read(name) for name in HASHED if name in file.datasets))
        features = read_opened(file)
    return data_hash(features.x, features.coords)


def data_hash(*arrays: np.ndarray) -> str:
    """sha256 over types, shapes and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _stored_hash(file: GuardedFile) -> str:
    root = file.attributes()
    if root.get("format") != MARK or not root.get("complete", False) or "sha256" not in root:
        raise FeatureFileError(
            expected(
                file.where,
                f"a finished file of format '{MARK}' with its sha256",
                f"root attributes {sorted(root)}",
                todo="Only files that wsigraph wrote carry a hash.",
            )
        )
    return str(root["sha256"])


def _stored(x: np.ndarray) -> np.ndarray:
    kind = "<f2" if x.dtype == np.float16 or float(np.abs(x).max(initial=0.0)) <= HALF_LIMIT else "<f4"
    return np.ascontiguousarray(x, dtype=kind)


def _image(x: np.ndarray, coords: np.ndarray, features: PatchFeatures, digest: str) -> bytes:
    """The whole file in memory: HDF5 does not survive a full disk, a plain write reports it."""
    # v110 keeps checksums of the structure too; 'latest' would shut out readers of other versions
    versions = ("v110", "v110")
    file = h5py.File("image", "w", driver="core", backing_store=False, block_size=GROWTH, libver=versions)
    with file:
        _fill(file, x, coords, features)
        file.attrs["format"] = fixed_text(MARK)
        file.attrs["sha256"] = fixed_text(digest)
        file.attrs["complete"] = True
        file.flush()
        return file.id.get_file_image()


def _fill(file: h5py.File, x: np.ndarray, coords: np.ndarray, features: PatchFeatures) -> None:
    file.create_dataset("features", data=x, chunks=_row_chunks(x), fletcher32=True)
    packed = {"chunks": _row_chunks(coords), "fletcher32": True} if len(coords) else {}
    entry = file.create_dataset("coords", data=coords, **packed)
    if len(features.joins):
        joins = features.joins.astype("<i8")
        file.create_dataset("joins", data=joins, chunks=_row_chunks(joins), fletcher32=True)
    size, pixels, step = features.patch_size_level0, features.patch_px, features.step_level0
    facts: dict[str, float | int | str] = {
        "patch_size_level0": size,
        "step_level0": step,
        "mpp": features.mpp,
        "target_mpp": features.target_mpp,
    }
    facts = {name: value for name, value in facts.items() if not math.isnan(float(value))}
    if pixels:
        facts["patch_size"] = pixels
        if step > 0 and size >= step:
            facts["overlap"] = round((size - step) * pixels / size)
    facts |= {"slide_id": features.slide_id, "name": features.slide_id, "encoder": features.encoder}
    facts["notes"] = "\n".join(features.notes)
    if not features.level0_known:
        facts["level0_known"] = 0
    for name, value in facts.items():
        if isinstance(value, str):
            entry.attrs[name] = fixed_text(value)
        else:
            entry.attrs[name] = int(value) if float(value).is_integer() else value


def _row_chunks(array: np.ndarray) -> tuple[int, int]:
    rows = max(1, CHUNK_BYTES // max(1, array.shape[1] * array.itemsize))
    return min(rows, len(array)), array.shape[1]
