"""The folders of torchmil: ``features/`` and ``coords/``, one file for each slide."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.arrays import GuardedArrays, open_arrays
from wsigraph.io.features.beside import read_patches, same_rows
from wsigraph.io.features.format import NO_COORDS, FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile
from wsigraph.io.features.snap import snap

UNIT = "torchmil's coordinates state no unit: taken as level-0 pixels"


class Torchmil(FeatureFormat[GuardedArrays], name="torchmil"):
    """``features/<slide>.npy`` with ``coords/<slide>.npy``; without the latter there are no coordinates."""

    opens = GuardedArrays
    priority = 50

    def matches(self, file: GuardedArrays) -> bool:
        """A single array."""
        return file.names == [""]

    def read(self, file: GuardedArrays) -> RawFeatures:
        """Features of one file, coordinates of the other."""
        x, beside = file.read(), _beside(file.path)
        if not beside.is_file():
            return RawFeatures(x, NO_COORDS, {}, (f"no coordinates in '{beside.parent.name}/{beside.name}'",))
        with open_arrays(beside) as arrays:
            coords = arrays.read()
        return _joined(file.where, x, coords, beside)

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step, and put several grids on one lattice."""
        return snap(features)


class TorchmilHdf5(FeatureFormat[GuardedFile], name="torchmil_h5"):
    """``features/<slide>.h5`` holding ``features``, with ``coords/<slide>.h5`` holding ``coords``."""

    opens = GuardedFile
    priority = 70

    def matches(self, file: GuardedFile) -> bool:
        """By ``features`` alone, with a file of coordinates beside."""
        return set(file.datasets) == {"features"} and _beside(file.path).is_file()

    def read(self, file: GuardedFile) -> RawFeatures:
        """Features of one file, coordinates of the other."""
        beside = _beside(file.path)
        return _joined(file.where, file.read("features"), read_patches(beside)[0], beside)

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step, and put several grids on one lattice."""
        return snap(features)


def _beside(path: Path) -> Path:
    return path.parent.parent / "coords" / path.name


def _joined(where: str, x: np.ndarray, coords: np.ndarray, beside: Path) -> RawFeatures:
    same_rows(where, len(x) if x.ndim else 0, coords if coords.ndim else coords.reshape(1), beside)
    return RawFeatures(x, coords, {}, (UNIT,))
