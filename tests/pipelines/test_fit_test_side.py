"""An official split by ``fit``: its test slides are answered once, and a leak needs to be named."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from wsigraph.errors import LeakError
from wsigraph.pipelines.fit import fit


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_patient(cohort):
    """Three sides with both classes on each, no patient on two."""
    patients = list(dict.fromkeys(cohort.patients))
    side = {patient: ("train", "val", "test")[i // 2 % 3] for i, patient in enumerate(patients)}
    return {
        one: cohort.subset(i for i, patient in enumerate(cohort.patients) if side[patient] == one)
        for one in ("train", "val", "test")
    }


def test_test_slides_are_answered_once_and_make_metrics_and_report(cohort, small, cpu, tmp_path):
    sides = by_patient(cohort)
    result = fit(small("abmil"), **sides, out=tmp_path / "run", trainer=cpu)
    rows = table(tmp_path / "run" / "predictions.csv")
    told = {side: {r["slide_id"] for r in rows if r["split"] == side} for side in ("val", "test")}
    assert told == {side: {s.slide_id for s in sides[side].slides} for side in ("val", "test")}
    assert len(rows) == sum(map(len, told.values()))
    assert result.metrics["counts"]["slides"] == len(sides["test"])
    assert (tmp_path / "run" / "report.html").is_file()
    before = (tmp_path / "run" / "metrics.json").read_bytes()
    fit(small("abmil"), **sides, out=tmp_path / "run", trainer=cpu)
    assert (tmp_path / "run" / "metrics.json").read_bytes() == before


def test_test_slides_change_nothing_that_is_learned(cohort, small, cpu, tmp_path):
    """The canary: the same network with and without a test side, and with its labels turned round."""
    sides = by_patient(cohort)
    turned = {"clustered": "scattered", "scattered": "clustered"}
    wrong = replace(
        sides["test"], slides=tuple(replace(s, label=turned[s.label]) for s in sides["test"].slides)
    )
    runs = {"with": sides, "without": {**sides, "test": None}, "wrong": {**sides, "test": wrong}}
    for name, given in runs.items():
        fit(small("abmil"), **given, out=tmp_path / name, trainer=cpu)
    weights = {(tmp_path / name / "fold_0" / "model.safetensors").read_bytes() for name in runs}
    assert len(weights) == 1


def test_a_patient_on_two_sides_is_refused_unless_named_and_then_stands_in_the_report(
    cohort, small, cpu, tmp_path
):
    sides = by_patient(cohort)
    first = sides["train"].slides[0]
    val = sides["val"].slides
    sides["val"] = replace(sides["val"], slides=(replace(val[0], patient_id=first.patient_id), *val[1:]))
    with pytest.raises(LeakError, match=f"patient '{first.patient_id}' in train and val"):
        fit(small("abmil"), **sides, out=tmp_path / "refused", trainer=cpu)
    assert not (tmp_path / "refused").exists()
    with pytest.raises(LeakError, match=f"patient '{first.patient_id}' in train and val"):
        fit(small("abmil"), **sides, overlap=["another"], out=tmp_path / "refused", trainer=cpu)
    fit(small("abmil"), **sides, overlap=[first.patient_id], out=tmp_path / "kept", trainer=cpu)
    count = sides["train"].patients.count(first.patient_id)
    said = f"1 patient has slides on more than one side: '{first.patient_id}' (train {count}, val 1)"
    warnings = json.loads((tmp_path / "kept" / "run.json").read_text(encoding="utf-8"))["warnings"]
    assert f"{said}; kept as asked." in warnings
    page = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert "1 patient has slides on more than one side" in page


def test_synthetic_features_are_called_so_in_record_and_report(cohort, small, cpu, tmp_path):
    said = "The features are synthetic: these numbers say nothing of real slides."
    fit(small("abmil", optimiser__epochs=1), **by_patient(cohort), out=tmp_path, trainer=cpu)
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["warnings"] == [said]
    assert said in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_one_slide_on_two_sides_is_refused_even_where_its_patient_is_named(cohort, small, cpu, tmp_path):
    sides = by_patient(cohort)
    first = sides["train"].slides[0]
    sides["val"] = replace(sides["val"], slides=(first, *sides["val"].slides))
    with pytest.raises(LeakError, match="features with hash"):
        fit(small("abmil"), **sides, overlap=[first.patient_id], out=tmp_path / "run", trainer=cpu)
