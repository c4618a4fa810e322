"""The doctor over real feature files of two layouts, one of them without coordinates."""

from __future__ import annotations

import pytest

from wsigraph.pipelines.doctor import examine_files


@pytest.mark.real
def test_real_feature_files_are_read_and_what_they_lack_is_named(real_data):
    found = examine_files(real_data / "mopadi_features")
    assert (found.facts["readable"], found.facts["patches"]) == (2, 777 + 180)
    assert [(fault.name, fault.where) for fault in found.faults if fault.kind == "fault"] == [
        ("no_coordinates", "TCGA-3X-AAVA-01Z-00-DX1.h5")
    ]
    warned = {(fault.name, fault.where) for fault in found.faults if fault.kind == "warning"}
    assert ("mpp_unknown", "TCGA-AD-6964-01Z-00-DX1.h5") in warned
