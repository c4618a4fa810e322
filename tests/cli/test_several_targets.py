"""A wide table with several targets, some unknown: each alone on the slides that have it, or all at once."""

from __future__ import annotations

import csv
import json

import pytest

QUICK = [
    *("--recipe", "abmil", "--folds", "2", "--device", "cpu"),
    *("--set", "optimiser.epochs=1", "--set", "encoder.hidden_channels=8"),
]


@pytest.fixture
def wide(feature_folder):
    """Twelve synthetic slides: EGFR known of ten, KRAS of eight, neither of the last slide, TP53 in words."""
    with open(feature_folder / "labels.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with open(feature_folder / "wide.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["slide_id", "patient_id", "EGFR", "KRAS", "TP53"])
        for i, row in enumerate(rows):
            truth = int(row["label"] == "clustered")
            egfr = "" if i in (3, 11) else truth
            kras = "NA" if i in (0, 5, 7, 11) else 1 - truth
            table.writerow([row["slide_id"], row["patient_id"], egfr, kras, ("wt", "mut")[truth]])
    return feature_folder


def train(wsigraph, folder, name, *options):
    left = wsigraph(
        *("train", folder / "wide.csv", "--features", folder / "features", "--out", folder / name),
        *(*QUICK, *options, "--json"),
    )
    with open(folder / name / "predictions.csv", encoding="utf-8", newline="") as file:
        return json.loads(left.out), [row for row in csv.DictReader(file) if row["split"] == "test"]


def test_one_of_several_targets_trains_on_the_slides_that_have_it(wsigraph, wide):
    said, tested = train(wsigraph, wide, "run", "--target-col", "EGFR")
    assert len(tested) == 10
    assert said["joined"] == {"matched": 10, "unlabelled": 2, "no features": 0, "no manifest row": 0}
    assert {row["label"] for row in tested} == {"0", "1"}
    assert list(said["metrics"]["decisions"]) == ["1"]


def test_all_at_once_uses_every_slide_of_which_anything_is_known(wsigraph, wide):
    said, tested = train(wsigraph, wide, "run", "--task", "multilabel", "--target-col", "EGFR,KRAS")
    assert len(tested) == 11
    assert said["joined"] == {"matched": 11, "unlabelled": 1, "no features": 0, "no manifest row": 0}
    empty = {name: sum(row[f"label_{name}"] == "" for row in tested) for name in ("EGFR", "KRAS")}
    assert empty == {"EGFR": 1, "KRAS": 3}
    found = said["metrics"]["decisions"]
    assert list(found) == ["EGFR", "KRAS"]
    truth = [row for row in tested if row["label_KRAS"]]
    share = sum(float(row["label_KRAS"]) for row in truth) / len(truth)
    assert found["KRAS"]["slide"]["prevalence"]["value"] == pytest.approx(share)


def test_several_columns_for_one_class_are_refused_with_the_task_that_takes_them(wsigraph, wide):
    ask = ["train", wide / "wide.csv", "--features", wide / "features", "--out", wide / "run", *QUICK]
    left = wsigraph(*ask, "--target-col", "EGFR,KRAS")
    assert left.code == 2
    assert "--task multilabel" in left.err
    words = wsigraph(*ask, "--task", "multilabel", "--target-col", "EGFR,TP53")
    assert words.code == 2
    assert "expected 1 (present), 0 (absent) or nothing (unknown) in column 'TP53'" in words.err
