"""The layout of CLAM, and of other files that hold nothing but ``features`` and ``coords``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.formats.trident import number
from wsigraph.io.features.guard import GuardedFile, open_guarded
from wsigraph.io.features.snap import snap


class Clam(FeatureFormat, name="clam"):
    """``features`` and ``coords`` without attributes, on grids that restart at every tissue contour.

    The patch size is taken from ``../patches/<slide>.h5`` where that stands beside; the step is inferred,
    the grids are snapped onto one lattice, and patches that then share a cell are merged, all counted in
    ``notes``.
    """

    priority = 90

    def matches(self, file: GuardedFile) -> bool:
        """Whatever holds both names and no surer mark."""
        return {"features", "coords"} <= set(file.datasets)

    def read(self, file: GuardedFile) -> RawFeatures:
        """Features and coordinates, with the patch size where a file beside states it."""
        facts = file.attributes("coords")
        notes: tuple[str, ...] = ()
        if "patch_size" not in facts:
            facts, notes = _facts_beside(file)
        downsample = np.ravel(facts.get("downsample", math.nan))
        size = number(facts, "patch_size") * float(downsample[0])
        pixels = number(facts, "patch_size")
        return RawFeatures(
            file.read("features"),
            file.read("coords"),
            {
                "patch_size_level0": size if size > 0 else math.nan,
                "patch_px": int(pixels) if pixels > 0 else 0,
            },
            (*notes, "CLAM files do not state mpp: distances in um are unknown"),
        )

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Put all contours on one lattice."""
        return snap(features)


def _facts_beside(file: GuardedFile) -> tuple[dict[str, Any], tuple[str, ...]]:
    beside = file.path.parent.parent / "patches" / file.path.name
    if not beside.is_file():
        return {}, ()
    try:
        with open_guarded(beside) as patches:
            return (patches.attributes("coords") if "coords" in patches.datasets else {}), ()
    except FeatureFileError as error:
        return {}, (f"patch size unknown: {error}",)
