"""The layout of CLAM, and of other files that hold nothing but ``features`` and ``coords``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError
from wsigraph.io.features.beside import clam_facts, patches_file, read_patches
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile
from wsigraph.io.features.snap import snap

NO_MPP = "CLAM files do not state mpp: distances in um are unknown"


class Clam(FeatureFormat[GuardedFile], name="clam"):
    """``features`` and ``coords`` without attributes, on grids that restart at every tissue contour.

    The patch size is taken from ``../patches/<slide>.h5`` where that stands beside; the step is inferred,
    the grids are snapped onto one lattice, and patches that then share a cell are merged, all counted in
    ``notes``.
    """

    opens = GuardedFile
    priority = 90

    def matches(self, file: GuardedFile) -> bool:
        """Whatever holds both names and no surer mark."""
        return {"features", "coords"} <= set(file.datasets)

    def read(self, file: GuardedFile) -> RawFeatures:
        """Features and coordinates, with the patch size where a file beside states it."""
        facts = file.attributes("coords")
        notes: tuple[str, ...] = ()
        if "patch_size" not in facts:
            facts, notes = _facts_beside(file.path)
        return RawFeatures(file.read("features"), file.read("coords"), clam_facts(facts), (*notes, NO_MPP))

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Put all contours on one lattice."""
        return snap(features)


def _facts_beside(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    beside = patches_file(path)
    try:
        return ({} if beside is None else read_patches(beside)[1]), ()
    except FeatureFileError as error:
        return {}, (f"patch size unknown: {error}",)
