"""Features without coordinates, which set methods can use and graph builders refuse by name."""

from __future__ import annotations

from wsigraph.io.features.format import NO_COORDS, FeatureFormat, RawFeatures
from wsigraph.io.features.guard import GuardedFile
from wsigraph.io.features.tensors import GuardedTensors

NOTE = "the file has no coordinates"


class BareFile(FeatureFormat[GuardedFile], name="bare"):
    """HDF5 with ``features`` alone."""

    opens = GuardedFile
    priority = 99

    def matches(self, file: GuardedFile) -> bool:
        """By ``features`` without ``coords``."""
        return "features" in file.datasets and "coords" not in file.datasets

    def read(self, file: GuardedFile) -> RawFeatures:
        """The features."""
        return RawFeatures(file.read("features"), NO_COORDS, {}, (NOTE,))


class BareTensor(FeatureFormat[GuardedTensors], name="bare_pt"):
    """A tensor beside which no file of coordinates was found."""

    opens = GuardedTensors
    priority = 99

    def matches(self, file: GuardedTensors) -> bool:
        """Any single tensor."""
        return file.single is not None

    def read(self, file: GuardedTensors) -> RawFeatures:
        """The features."""
        return RawFeatures(file.read(), NO_COORDS, {}, (NOTE,))
