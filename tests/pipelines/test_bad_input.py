"""Bad slides, full disks, leaks: each says what is wrong, and what can go on goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

import wsigraph as wg
from wsigraph.errors import CohortError, LeakError, RunError
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.reporter import Silent
from wsigraph.pipelines.train import TrainPlan, train_cohort


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def place(manifest, tmp_path):
    """A copy of the cohort that a test may spoil."""
    shutil.copytree(manifest.parent, tmp_path / "cohort")
    return tmp_path / "cohort"


def read(place):
    return Cohort.from_manifest(place / "labels.csv", features=place / "features")


def change(place, name, **changes):
    file = place / "features" / f"{name}.h5"
    features = wg.read_features(file)
    file.unlink()
    wg.write_features(file, replace(features, **changes))
    return features


def spoil(place, name):
    """Put NaN into one row of a file, as a broken encoder would."""
    import h5py

    with h5py.File(place / "features" / f"{name}.h5", "r+") as file:
        x = file["features"][:]
        x[3, 2] = np.nan
        del file["features"]
        file["features"] = x


def run(place, small, cpu, out, reporter=None):
    method = small("abmil", optimiser__epochs=1)
    return cross_validate(method, read(place), folds=2, out=out, trainer=cpu, reporter=reporter or Silent())


def test_bad_slides_are_named_and_the_rest_trains(place, small, cpu, tmp_path):
    spoil(place, "synthetic_004")
    (place / "features" / "synthetic_007.h5").write_bytes(b"cut")
    change(place, "synthetic_009", x=np.ones((30, 5), np.float32))
    (place / "features" / "synthetic_010.h5").unlink()
    heard = Heard()
    result = run(place, small, cpu, tmp_path / "run", heard)
    assert set(result.failed) == {"synthetic_004", "synthetic_007", "synthetic_009", "synthetic_010"}
    reason = result.failed["synthetic_004"]
    assert "expected finite features, got NaN or inf in 1 of 30 rows (first rows [3])" in reason
    assert "synthetic_004.h5" in reason
    assert "expected 8 channels, got 5" in result.failed["synthetic_009"]
    for name in result.failed:
        assert any(name in line for line in heard.lines), name
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert set(record["data"]["left_out"]) == set(result.failed)
    assert "1 of 14 slides were left out" in record["warnings"][0]
    rows = (tmp_path / "run" / "predictions.csv").read_text()
    assert not [name for name in result.failed if name in rows]


def test_nothing_usable_is_an_error(place, small, cpu, tmp_path):
    for file in (place / "features").iterdir():
        file.write_bytes(b"cut")
    with pytest.raises(CohortError, match=r"Cohort: expected at least one usable slide, got none of 14 \("):
        run(place, small, cpu, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_class_with_one_patient(place, small, cpu, tmp_path):
    rows = (place / "labels.csv").read_text().splitlines()
    kept = [r for r in rows if not r.endswith("scattered")] + [
        next(r for r in rows if r.endswith("scattered"))
    ]
    (place / "labels.csv").write_text("\n".join(kept))
    with pytest.raises(
        CohortError, match="at least 2 patients in every class for 2 folds, got 'scattered' has 1"
    ):
        run(place, small, cpu, tmp_path / "run")


def test_one_label_for_all(place, tmp_path):
    kept = [r for r in (place / "labels.csv").read_text().splitlines() if not r.endswith("scattered")]
    (place / "labels.csv").write_text("\n".join(kept))
    with pytest.raises(
        CohortError, match="at least 2 classes to tell apart, got 7 slides all labelled 'clustered'"
    ):
        train_cohort(TrainPlan("abmil"), read(place), out=tmp_path / "run")


def test_one_slide_under_two_names(place, small, cpu, tmp_path):
    """Two patients with the same features: wherever the folds part them, it is a leak."""
    other = change(place, "synthetic_000")
    change(place, "synthetic_004", x=other.x, coords=other.coords)
    found = []
    for seed in range(6):
        try:
            cross_validate(
                small("abmil", optimiser__epochs=1),
                read(place),
                folds=2,
                seed=seed,
                out=tmp_path / f"{seed}",
                trainer=cpu,
            )
        except LeakError as error:
            found.append(str(error))
    assert found
    assert "expected every features with hash on one side" in found[0]


@pytest.mark.parametrize(
    "case",
    [({"encoder": "other"}, "'other', 256"), ({"patch_px": 224}, "224"), ({"target_mpp": 1.0}, "1.0")],
)
def test_slides_encoded_differently_are_not_mixed(place, small, cpu, tmp_path, case):
    changes, kind = case
    change(place, "synthetic_003", **changes)
    with pytest.raises(
        RunError, match=rf"one patch encoder, patch size and mpp in all slides, got 2 kinds: .*{kind}"
    ):
        run(place, small, cpu, tmp_path / "run")


def test_a_slide_of_one_patch_trains_with_the_rest(place, small, cpu, tmp_path):
    features = wg.read_features(place / "features" / "synthetic_002.h5")
    change(place, "synthetic_002", x=features.x[:1], coords=features.coords[:1])
    method = small(optimiser__epochs=1)
    result = cross_validate(method, read(place), folds=2, out=tmp_path / "run", trainer=cpu)
    assert result.failed == {}
    log = (tmp_path / "run" / "log.csv").read_text()
    assert "nan" not in log.lower()


def test_a_full_disk_leaves_no_half_file_and_the_run_goes_on_later(place, small, cpu, tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        run(place, small, cpu, tmp_path / "run")
    monkeypatch.undo()
    left = [f for f in (tmp_path / "run").rglob("*") if f.is_file()]
    assert not [f for f in left if ".tmp" in f.name]
    assert not (tmp_path / "run" / "predictions.csv").exists()
    for file in left:
        if file.suffix == ".json":
            json.loads(file.read_text())
    run(place, small, cpu, tmp_path / "run")
    run(place, small, cpu, tmp_path / "straight")
    assert (tmp_path / "run" / "predictions.csv").read_bytes() == (
        tmp_path / "straight" / "predictions.csv"
    ).read_bytes()
