"""The layout of slideflow: a tensor, and the centres of its patches in another file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError, expected
from wsigraph.io.features.arrays import open_arrays
from wsigraph.io.features.beside import same_rows
from wsigraph.io.features.finder import slide_name
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.snap import snap
from wsigraph.io.features.tensors import GuardedTensors


class Slideflow(FeatureFormat[GuardedTensors], name="slideflow"):
    """``<slide>.pt`` with ``<slide>.index.npz``, whose only array holds patch centres in level-0 pixels.

    Centres become top-left corners by half a patch. Its size is not in these files: the step is inferred, and
    a patch is taken to be as large. Without a sure step centres stay where they are, as those of points.
    """

    opens = GuardedTensors
    priority = 40

    def matches(self, file: GuardedTensors) -> bool:
        """A single tensor with an index beside."""
        return file.single is not None and _index(file.path).is_file()

    def read(self, file: GuardedTensors) -> RawFeatures:
        """Features of one file, centres of the other."""
        beside = _index(file.path)
        x = file.read()
        with open_arrays(beside) as arrays:
            if len(arrays.names) != 1:
                raise FeatureFileError(expected(arrays.where, "one array of centres", arrays.summary()))
            centres = arrays.read(arrays.names[0])
        same_rows(
            file.where, len(x) if x.ndim else 0, centres if centres.ndim else centres.reshape(1), beside
        )
        return RawFeatures(x, _rounded(centres), {}, ("centres of patches read from the index",))

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step, put grids on one lattice, and move from centres to corners."""
        snapped = snap(features)
        if not snapped.step_level0 > 0:
            return snapped
        size = snapped.step_level0
        note = f"patch size unknown: taken as the step of {size:g} px"
        return replace(
            snapped,
            coords=snapped.coords - math.floor(size / 2),
            patch_size_level0=size,
            notes=(*snapped.notes, note),
        )


def _index(path: Path) -> Path:
    return path.parent / f"{slide_name(path)}.index.npz"


def _rounded(centres: np.ndarray) -> np.ndarray:
    """Centres of odd patches end in one half; a pixel is all the file can mean."""
    if centres.dtype.kind != "f" or not np.isfinite(centres).all() or np.abs(centres).max(initial=0) > 2**53:
        return centres
    return np.floor(centres).astype(np.int64)
