"""Feature files for slides of public cohorts, synthetic and tiny."""

from __future__ import annotations

import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features import write_features


@pytest.fixture
def features_of(tmp_path):
    """Write features of two patches for each named slide; returns the folder."""

    def write(*names):
        folder = tmp_path / "features"
        for name in names:
            coords = np.array([[0, 0], [256, 0]])
            write_features(folder / f"{name}.h5", PatchFeatures(name, np.ones((2, 3), np.float32), coords))
        return folder

    return write
