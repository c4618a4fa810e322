"""The doctor finds what was planted in feature files, by name, and nothing in sound ones."""

from __future__ import annotations

import math
from dataclasses import replace

import h5py
import numpy as np
import pytest

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import FeatureFileError
from wsigraph.io.features import write_features
from wsigraph.pipelines.doctor import examine_files


def named(checkup, kind="fault"):
    """Names and places of what was found."""
    return {(fault.name, fault.where) for fault in checkup.faults if fault.kind == kind}


def text(checkup, name):
    (found,) = [fault.text for fault in checkup.faults if fault.name == name]
    return found


def test_sound_files_have_no_fault_and_are_counted(planted):
    checkup = examine_files(planted.folder)
    assert checkup.faults == ()
    sizes = [len(planted.features(number)) for number in range(12)]
    assert checkup.facts["files"] == checkup.facts["readable"] == 12
    assert checkup.facts["patches"] == sum(sizes)
    assert checkup.facts["patches_per_slide"]["most"] == max(sizes)
    assert sum(checkup.facts["sizes"].values()) == 12
    assert len(checkup.facts["encodings"]) == 1


def test_a_truncated_file_and_one_of_another_kind_are_unreadable(planted):
    planted.path(1).write_bytes(b"nothing of the kind")
    whole = planted.path(2).read_bytes()
    planted.path(2).write_bytes(whole[: len(whole) // 2])
    found = examine_files(planted.folder)
    assert named(found) == {("unreadable", "synthetic_001.h5"), ("unreadable", "synthetic_002.h5")}
    assert found.facts["readable"] == 10


def test_a_nan_in_one_row_is_named_with_its_row(planted):
    planted.trident(3, step=256, stated=256)
    with h5py.File(planted.path(3), "r+") as file:
        file["features"][5, 2] = np.nan
    found = examine_files(planted.folder)
    assert ("nan", "synthetic_003.h5") in named(found)
    assert text(found, "nan") == f"1 of {len(planted.features(3))} rows (row 5)"


def test_other_kinds_of_files_are_looked_at_too(planted):
    sound = planted.features(3)
    for name, row in {"whole": 0.5, "broken": np.nan}.items():
        x = sound.x.copy()
        x[5] = row
        np.savez(planted.folder / f"{name}.npz", features=x, coords=sound.coords)
    found = examine_files(planted.folder)
    assert ("nan", "broken.npz") in named(found)
    assert [name for name, where in named(found) if where == "whole.npz"] == ["mixed_encoders"]
    assert ("mpp_unknown", "whole.npz") in named(found, "warning")
    assert found.facts["readable"] == 13


def test_data_that_are_not_those_written_are_named(planted):
    with h5py.File(planted.path(3), "r+") as file:
        file["features"][5, 2] = 3.0
    assert named(examine_files(planted.folder)) == {("altered", "synthetic_003.h5")}


def test_a_file_without_coordinates_is_named(planted):
    with h5py.File(planted.path(4), "w") as file:
        file["features"] = np.zeros((9, 4), dtype=np.float16)
    assert ("no_coordinates", "synthetic_004.h5") in named(examine_files(planted.folder))


def test_a_layout_that_is_not_known_is_named(planted):
    with h5py.File(planted.path(4), "w") as file:
        file["something"] = np.zeros((9, 4))
    assert named(examine_files(planted.folder)) == {("unknown_layout", "synthetic_004.h5")}


@pytest.mark.parametrize("shape", [(0, 4), (0,), (9, 0)])
def test_an_empty_file_is_named(planted, shape):
    with h5py.File(planted.path(4), "w") as file:
        file["features"], file["coords"] = np.zeros(shape), np.zeros((shape[0], 2), dtype=np.int64)
    assert named(examine_files(planted.folder)) == {("empty", "synthetic_004.h5")}


@pytest.mark.parametrize("stated", [256, 1024])
def test_a_patch_size_wrong_by_a_factor_of_two_is_named(planted, stated):
    planted.trident(0, step=512, stated=stated)
    found = examine_files(planted.folder)
    assert ("wrong_step", "synthetic_000.h5") in named(found)
    assert text(found, "wrong_step") == (
        f"{stated} px stated, 512 px between patches ({512 / stated:.3g} times)"
    )


def test_a_right_patch_size_of_a_slide_read_at_half_resolution_is_no_fault(planted):
    planted.trident(0, step=512, stated=512)  # patch_size is 256: the trap
    found = examine_files(planted.folder)
    assert {name for name, _ in named(found)} <= {"mixed_encoders"}
    assert ("row_by_row", "synthetic_000.h5") in named(found, "warning")


def test_a_lattice_without_an_edge_is_named(planted):
    far = planted.features(0)
    write_features(planted.path(0), replace(far, coords=far.coords * 100, step_level0=256.0))
    assert ("no_edges", "synthetic_000.h5") in named(examine_files(planted.folder))


def test_patches_alone_and_patches_on_each_other_are_warnings(planted):
    base = planted.features(0)
    coords = base.coords.copy()
    coords[:6] += np.arange(1, 7)[:, None] * 256 * 1000  # each far from all
    write_features(planted.path(0), replace(base, coords=coords))
    coords = base.coords.copy()
    coords[1] = coords[0]
    write_features(planted.path(1), replace(base, coords=coords, x=base.x + 1))
    found = named(examine_files(planted.folder), "warning")
    assert {("isolated", "synthetic_000.h5"), ("shared_coordinates", "synthetic_001.h5")} <= found


def test_one_slide_under_two_names_is_named(planted):
    write_features(planted.path(99), replace(planted.features(0), slide_id="synthetic_099"))
    found = examine_files(planted.folder)
    assert named(found) == {("duplicate", "synthetic_099.h5")}
    assert text(found, "duplicate") == "the same as synthetic_000.h5"


def test_equal_rows_other_widths_and_other_encoders_are_named(planted):
    same, wide, other = (planted.features(number) for number in range(3))
    write_features(planted.path(0), replace(same, x=np.ones_like(same.x)))
    write_features(planted.path(1), replace(wide, x=np.hstack([wide.x, wide.x])))
    write_features(planted.path(2), replace(other, encoder="b"))
    assert named(examine_files(planted.folder)) == {
        ("same_rows", "synthetic_000.h5"),
        ("mixed_widths", "synthetic_001.h5"),
        ("mixed_encoders", "synthetic_002.h5"),
    }


def test_one_patch_an_unknown_mpp_and_another_size_are_warnings(planted):
    alone = PatchFeatures("alone", np.ones((1, 4), np.float32), np.zeros((1, 2), np.int64), mpp=math.nan)
    sound = planted.features(0)
    alone = replace(alone, patch_size_level0=256.0, encoder=sound.encoder, patch_px=sound.patch_px)
    write_features(planted.folder / "alone.h5", alone)
    write_features(planted.path(0), replace(sound, mpp=2 * sound.mpp))
    assert named(examine_files(planted.folder), "warning") == {
        ("one_patch", "alone.h5"),
        ("mpp_unknown", "alone.h5"),
        ("odd_step", "synthetic_000.h5"),
    }


def test_the_worst_comes_first_and_the_same_fault_is_one_group(planted):
    write_features(planted.path(0), replace(planted.features(0), mpp=math.nan))
    for number in (7, 5):
        planted.path(number).write_bytes(b"nothing of the kind")
    groups = examine_files(planted.folder).groups
    assert [(group.name, group.kind, len(group.faults)) for group in groups] == [
        ("unreadable", "fault", 2),
        ("mpp_unknown", "warning", 1),
    ]
    assert [fault.where for fault in groups[0].faults] == ["synthetic_005.h5", "synthetic_007.h5"]


def test_a_folder_without_features_is_refused(tmp_path):
    with pytest.raises(FeatureFileError, match="a folder without any"):
        examine_files(tmp_path)
