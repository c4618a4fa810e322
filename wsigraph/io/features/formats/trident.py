"""The layout of TRIDENT."""

from __future__ import annotations

import math

from wsigraph.io.features.beside import number
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile


class Trident(FeatureFormat[GuardedFile], name="trident"):
    """``features`` and ``coords``, with attributes on ``coords``.

    The lattice step is ``patch_size_level0`` minus the overlap in level-0 pixels. ``patch_size`` counts
    pixels of the encoded patch: on a 40x slide read at 20x it is half the step, and dividing by it gives a
    graph without edges.

    Units: ``coords``, ``patch_size_level0`` in level-0 pixels; ``patch_size``, ``overlap`` in encoded pixels.
    Differs: mpp is taken only where the file states it; a magnification is never turned into one.
    """

    opens = GuardedFile
    priority = 10

    def matches(self, file: GuardedFile) -> bool:
        """By ``patch_size_level0`` on ``coords``."""
        return {"features", "coords"} <= set(file.datasets) and "patch_size_level0" in file.attributes(
            "coords"
        )

    def read(self, file: GuardedFile) -> RawFeatures:
        """Features, coordinates and what their attributes say."""
        facts = file.attributes("coords")
        size = number(facts, "patch_size_level0")
        pixels = number(facts, "patch_size")
        step = size
        overlap = number(facts, "overlap")
        if overlap > 0:
            step = size - round(overlap * size / pixels) if pixels > 0 else math.nan
        mpp = number(facts, "mpp")
        notes = () if mpp > 0 else ("TRIDENT files do not state mpp: distances in um are unknown",)
        target = mpp * size / pixels if mpp > 0 and pixels > 0 else math.nan
        return RawFeatures(
            file.read("features"),
            file.read("coords"),
            {
                "patch_size_level0": size,
                "patch_px": int(pixels) if pixels > 0 else 0,
                "step_level0": step,
                "mpp": mpp,
                "target_mpp": target,
                "encoder": str(file.attributes("features").get("encoder", "")),
            },
            notes,
        )
