"""CLAM's ``pt_files``: features in a tensor, coordinates in ``patches``."""

from __future__ import annotations

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.beside import clam_facts, patches_file, read_patches, same_rows
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.formats.clam import NO_MPP
from wsigraph.io.features.snap import snap
from wsigraph.io.features.tensors import GuardedTensors


class ClamTensor(FeatureFormat[GuardedTensors], name="clam_pt"):
    """``pt_files/<slide>.pt``, row by row in the order of ``patches/<slide>.h5``.

    Raises: FeatureFileError: if the two files have different numbers of patches.
    """

    opens = GuardedTensors
    priority = 60

    def matches(self, file: GuardedTensors) -> bool:
        """A single tensor with a file of patches."""
        return file.single is not None and patches_file(file.path) is not None

    def read(self, file: GuardedTensors) -> RawFeatures:
        """Features of one file, coordinates of the other."""
        beside = patches_file(file.path)
        assert beside is not None  # as matched
        x = file.read()
        coords, attributes = read_patches(beside)
        same_rows(file.where, x.shape[-2] if x.ndim > 1 else 0, coords, beside)
        note = f"coordinates joined by row from '{beside.parent.name}/{beside.name}'"
        return RawFeatures(x, coords, clam_facts(attributes), (note, NO_MPP))

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Put all contours on one lattice."""
        return snap(features)
