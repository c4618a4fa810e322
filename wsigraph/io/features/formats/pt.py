"""Tensors by name in a ``.pt`` file."""

from __future__ import annotations

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.named import from_names, holds_features
from wsigraph.io.features.snap import snap_unless_known
from wsigraph.io.features.tensors import GuardedTensors


class NamedTensors(FeatureFormat[GuardedTensors], name="pt"):
    """``torch.save({"features": x, "coords": coords}, path)``, with the names of ``npz``."""

    opens = GuardedTensors
    priority = 50

    def matches(self, file: GuardedTensors) -> bool:
        """By the names of the tensors."""
        return holds_features(file.named)

    def read(self, file: GuardedTensors) -> RawFeatures:
        """What the names say."""
        return from_names(file.named, file.read)

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step where it is not stated."""
        return snap_unless_known(features)
