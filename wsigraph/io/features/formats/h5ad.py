"""AnnData in HDF5, as ``wsigraph``, LazySlide and squidpy write it."""

from __future__ import annotations

from typing import Any

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.beside import number
from wsigraph.io.features.format import NO_COORDS, FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile
from wsigraph.io.features.snap import snap_unless_known

SPATIAL = "obsm/spatial"
OURS = "uns/wsigraph"
FACTS = {
    "patch_size": "patch_size_level0",
    "mpp": "mpp",
    "target_mpp": "target_mpp",
}


class H5ad(FeatureFormat[GuardedFile], name="h5ad"):
    """``X`` and ``obsm/spatial``.

    In files that wsigraph wrote (``uns/wsigraph``) these are patch centres, with the slide's facts beside; in
    others they are taken as top-left corners, as LazySlide exports them. Graphs (``obsp``) are left.

    Units: level-0 pixels.
    """

    opens = GuardedFile
    priority = 30

    def matches(self, file: GuardedFile) -> bool:
        """By a dense ``X``."""
        return "X" in file.datasets

    def read(self, file: GuardedFile) -> RawFeatures:
        """Features, coordinates, and our own facts where they are there."""
        x = file.read("X")
        if SPATIAL not in file.inside("obsm"):
            return RawFeatures(x, NO_COORDS, {}, (f"no coordinates: '{SPATIAL}' is not there",))
        spatial = file.read(SPATIAL)
        ours = {name.rsplit("/", 1)[1]: name for name in file.inside(OURS)}
        if not ours:
            return RawFeatures(x, spatial, {}, ("AnnData states no mpp: distances in um are unknown",))
        facts = {ours_name: _single(file, ours.get(name)) for name, ours_name in FACTS.items()}
        half = facts["patch_size_level0"] / 2 if facts["patch_size_level0"] > 0 else 0.0
        pixels = _single(file, ours.get("patch_px"))
        return RawFeatures(
            x, _corners(spatial, half), {**facts, "patch_px": int(pixels) if pixels > 0 else 0}
        )

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step where it is not stated."""
        return snap_unless_known(features)


def _single(file: GuardedFile, name: str | None) -> float:
    """A positive number that stands alone in a dataset, NaN for all else."""
    if name is None or file.shape(name) not in ((), (1,)) or file.datasets[name].dtype.kind not in "iuf":
        return float("nan")
    return number({"value": file.read(name).item()}, "value")


def _corners(centres: np.ndarray, half: float) -> Any:
    if centres.dtype.kind not in "iuf" or not np.isfinite(centres).all():
        return centres
    return centres.astype(np.float64) - half
