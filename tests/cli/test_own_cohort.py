"""A lab's own cohort: features as TRIDENT lays them out, ids as a table has them, gaps on both sides."""

from __future__ import annotations

import csv
import json

import pytest

QUICK = [
    *("--recipe", "abmil", "--folds", "2", "--device", "cpu"),
    *("--set", "optimiser.epochs=1", "--set", "encoder.hidden_channels=8"),
]
COLUMNS = ["--id-col", "WSI", "--patient-col", "Pat", "--target-col", "EGFR"]


@pytest.fixture
def job(feature_folder):
    """Twelve synthetic slides as a TRIDENT job, and a function that writes a table of a lab beside it."""
    place = feature_folder / "job" / "20x_256px_0px_overlap"
    place.mkdir(parents=True)
    (feature_folder / "features").rename(place / "features_uni_v1")
    with open(feature_folder / "labels.csv", encoding="utf-8", newline="") as file:
        rows = [(row["slide_id"], row["patient_id"], row["label"]) for row in csv.DictReader(file)]

    def write(change):
        with open(feature_folder / "own.csv", "w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["WSI", "Pat", "EGFR"])
            table.writerows(change(number, row) for number, row in enumerate(rows))
        return feature_folder / "own.csv"

    return write


def changed(number, row):
    """Suffixes everywhere; one id in capitals, one label missing."""
    name, patient, label = row
    return (name.upper() if number == 2 else f"{name}.svs", patient, "NA" if number == 5 else label)


def test_a_trident_job_and_a_table_of_a_lab_train_and_every_slide_is_accounted_for(wsigraph, job, tmp_path):
    manifest, run = job(changed), tmp_path / "run"
    left = wsigraph(
        "train", manifest, "--features", tmp_path / "job", *COLUMNS, *QUICK, "--out", run, "--json"
    )
    assert left.code == 1, left.err  # some slides were left out
    said = json.loads(left.out)
    assert said["joined"] == {"matched": 10, "unlabelled": 1, "no features": 1, "no manifest row": 1}
    assert said["failed"].keys() == {"SYNTHETIC_002", "synthetic_005.svs"}
    shown = " ".join(left.err.split())
    assert "In the manifest, without features 1 SYNTHETIC_002 ('synthetic_002' differs by upper and" in shown
    assert "Slides with features, without a label 1 synthetic_005.svs (no label in column 'EGFR')" in shown
    assert "Classes 2 clustered" in shown
    with open(run / "join.csv", encoding="utf-8", newline="") as file:
        states = {row["slide_id"]: row["state"] for row in csv.DictReader(file)}
    assert len(states) == 13
    assert states["synthetic_002"] == "no manifest row"
    assert states["synthetic_000.svs"] == "matched"
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "Manifest and feature files" in report
    assert "SYNTHETIC_002 (" in report
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["join"]["unlabelled"] == {"synthetic_005.svs": "no label in column 'EGFR'"}
    assert len(record["data"]["slides"]) == 10


def test_nothing_in_common_is_refused_before_anything_trains(wsigraph, job, tmp_path):
    manifest = job(lambda number, row: (f"other_{number}", row[1], row[2]))
    left = wsigraph("train", manifest, "--features", tmp_path / "job", *COLUMNS, "--out", tmp_path / "run")
    assert left.code == 2
    assert "other_0" in left.err
    assert "'synthetic_000', 'synthetic_001', 'synthetic_002'" in left.err
    assert not (tmp_path / "run").exists()
