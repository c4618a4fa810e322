"""Tables of numbers: coordinates in two columns, features in all others."""

from __future__ import annotations

import numpy as np

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features.format import FeatureFormat, RawFeatures
from wsigraph.io.features.snap import snap
from wsigraph.io.features.table import GuardedTable

PAIRS = (("x", "y"), ("coord_x", "coord_y"))


class Csv(FeatureFormat[GuardedTable], name="csv"):
    """A header, columns ``x`` and ``y`` (or ``coord_x``, ``coord_y``), and one column for each channel.

    Units: level-0 pixels for the coordinates, top-left corners.
    """

    opens = GuardedTable
    priority = 50

    def matches(self, file: GuardedTable) -> bool:
        """By the names of the columns of coordinates."""
        return _pair(file) is not None

    def read(self, file: GuardedTable) -> RawFeatures:
        """The table, split."""
        rows, pair = file.read(), _pair(file)
        assert pair is not None  # as matched
        names = [name.lower() for name in file.columns]
        places = [names.index(name) for name in pair]
        x = np.delete(rows, places, axis=1)
        note = "CSV files do not state mpp: distances in um are unknown"
        return RawFeatures(x, rows[:, places], {}, (note,))

    def mend(self, features: PatchFeatures) -> PatchFeatures:
        """Find the step, and put several grids on one lattice."""
        return snap(features)


def _pair(file: GuardedTable) -> tuple[str, str] | None:
    names = {name.lower() for name in file.columns}
    return next((pair for pair in PAIRS if set(pair) <= names), None)
