"""NumPy archives with ``features`` and ``coords``."""

from __future__ import annotations

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.arrays import GuardedArrays
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.named import from_names, holds_features
from wsigraph.io.features.snap import snap_unless_known


class Npz(FeatureFormat[GuardedArrays], name="npz"):
    """Arrays ``features`` (or ``feats``, ``x``, ``embeddings``) and ``coords``, top-left in level-0 pixels.

    Single numbers ``patch_size_level0``, ``step_level0``, ``mpp`` and ``target_mpp`` are read where present;
    without a step it is inferred, and several grids are put on one lattice.
    """

    opens = GuardedArrays
    priority = 50

    def matches(self, file: GuardedArrays) -> bool:
        """By the names of the arrays."""
        return holds_features(file.names)

    def read(self, file: GuardedArrays) -> RawFeatures:
        """What the names say."""
        return from_names(file.names, file.read)

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step where it is not stated."""
        return snap_unless_known(features)
