"""The doctor finds what was planted, and nothing in a sound cohort."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import h5py
import numpy as np
import pytest

from wsigraph.cli.app import run
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.features import write_features
from wsigraph.pipelines.doctor import examine_files, examine_manifest
from wsigraph.pipelines.machine import examine_machine
from wsigraph.synthetic.features import arrangement_cohort


@pytest.fixture
def folder(tmp_path):
    """Twelve sound feature files and a sound manifest."""
    cohort = arrangement_cohort(12, seed=0, grid=8, in_channels=4)
    rows = ["slide_id,patient_id,label"]
    for index, (features, label) in enumerate(zip(cohort.features, cohort.labels, strict=True)):
        write_features(tmp_path / f"{features.slide_id}.h5", features)
        rows.append(f"{features.slide_id},patient_{index},{cohort.classes[label]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def faults(checkup):
    """Text by place."""
    return {fault.where: f"{fault.kind}: {fault.text}" for fault in checkup.faults}


def features_of(folder, number=0):
    return arrangement_cohort(12, seed=0, grid=8, in_channels=4).features[number]


def test_a_sound_cohort_has_no_fault(folder):
    checkup = examine_manifest(folder / "labels.csv", folder)
    assert checkup.faults == ()
    assert checkup.facts["patients_per_class"] == {"clustered": 6, "scattered": 6}
    assert checkup.facts["slides"] == checkup.facts["readable"] == 12


def test_unreadable_and_damaged_files_are_named(folder):
    (folder / "synthetic_001.h5").write_bytes(b"nothing of the kind")
    whole = (folder / "synthetic_002.h5").read_bytes()
    (folder / "synthetic_002.h5").write_bytes(whole[: len(whole) // 2])
    found = faults(examine_files(folder))
    assert set(found) == {"synthetic_001.h5", "synthetic_002.h5"}
    assert all(text.startswith("fault: ") for text in found.values())


def test_nan_is_named_with_its_rows(folder):
    with h5py.File(folder / "synthetic_003.h5", "r+") as file:
        file["features"][5, 2] = np.nan
    assert "row" in faults(examine_files(folder))["synthetic_003.h5"]


def test_missing_coordinates_are_named(folder):
    with h5py.File(folder / "synthetic_004.h5", "w") as file:
        file["features"] = np.zeros((9, 4), dtype=np.float16)
    assert "coords" in faults(examine_files(folder))["synthetic_004.h5"]


def test_a_graph_without_edges_is_a_fault(folder):
    far = replace(features_of(folder), coords=features_of(folder).coords * 100, step_level0=256.0)
    write_features(folder / "synthetic_000.h5", far)
    assert "edges" in faults(examine_files(folder))["synthetic_000.h5"]


def test_one_slide_under_two_names_leaks(folder):
    write_features(folder / "synthetic_099.h5", replace(features_of(folder), slide_id="synthetic_099"))
    assert "same features as synthetic_000.h5" in faults(examine_files(folder))["synthetic_099.h5"]


def test_constant_features_and_other_encoders_are_faults(folder):
    same = features_of(folder)
    write_features(folder / "synthetic_000.h5", replace(same, x=np.ones_like(same.x)))
    other = features_of(folder, 1)
    write_features(folder / "synthetic_001.h5", replace(other, x=np.hstack([other.x, other.x]), encoder="b"))
    found = faults(examine_files(folder))
    assert "rows are the same" in found["synthetic_000.h5"]
    assert "8 channels of encoder 'b'" in found["synthetic_001.h5"]


def test_one_patch_and_unknown_mpp_are_warnings(folder):
    alone = PatchFeatures("alone", np.ones((1, 4), np.float32), np.zeros((1, 2), np.int64), mpp=math.nan)
    write_features(
        folder / "alone.h5", replace(alone, patch_size_level0=256.0, encoder="synthetic", patch_px=256)
    )
    texts = [f.text for f in examine_files(folder).faults if f.where == "alone.h5" and f.kind == "warning"]
    assert any("one patch only" in text for text in texts)
    assert any("mpp unknown" in text for text in texts)


def test_patients_classes_and_labels_of_a_manifest(folder):
    rows = (folder / "labels.csv").read_text().splitlines()
    rows = [row + ",train" for row in rows]
    rows[0] = "slide_id,patient_id,label,split"
    rows[1] = "synthetic_000,patient_0,clustered,train"
    rows[2] = "synthetic_001,patient_0,scattered,test"  # other label, other side
    rows[3] = "synthetic_002,patient_2,rare,train"
    rows[4] = "synthetic_003,patient_3,,train"
    rows.append("missing,patient_9,clustered,train")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    checkup = examine_manifest(folder / "labels.csv", folder)
    texts = [f"{f.kind} {f.where}: {f.text}" for f in checkup.faults]
    assert any("fault patient 'patient_0': stands on both sides of the split" in text for text in texts)
    assert any("warning patient 'patient_0': slides with different labels" in text for text in texts)
    assert any("fault class 'rare': 1 patient:" in text for text in texts)
    assert any("fault synthetic_003: no label" in text for text in texts)
    assert any("fault missing: no feature file" in text for text in texts)


def test_the_machine_is_described():
    facts = examine_machine()
    assert facts["openslide_library"][0].isdigit()
    assert facts["cpu_cores"] >= 1


def test_the_command_prints_json_and_exit_code(folder, capsys):
    assert run(["doctor", str(folder / "labels.csv"), "--features", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["faults"] == []
    (folder / "synthetic_001.h5").write_bytes(b"nothing of the kind")
    assert run(["doctor", str(folder)]) == 1
    said = capsys.readouterr()
    assert "fault: synthetic_001.h5" in said.err
    assert "This machine" in said.out
