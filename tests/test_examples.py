"""The examples run from end to end on made-up features; those for real cohorts on true lists of slides."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ("all_three", "camelyon16", "tcga_luad")


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_example_is_short_and_tested():
    found = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert set(NAMES) <= set(found)
    for name in NAMES:
        assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 120, name


@pytest.mark.parametrize("name", NAMES)
def test_without_data_it_says_what_is_missing(name, tmp_path, capsys):
    with pytest.raises(SystemExit):
        load(name).main(["--out", str(tmp_path)])
    assert "--features" in capsys.readouterr().err


def test_all_three_systems_in_one_run(tmp_path, capsys):
    metrics = load("all_three").main(["--smoke", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    for term in ("reconstruction", "ranking", "instance_alignment", "contrast", "ce_fine", "max_instance"):
        assert f"term {term}: weight" in said
    log = table(tmp_path / "run" / "log.csv")
    assert {row["fold"] for row in log} == {"0", "1"}
    assert float(log[1]["train_reconstruction"]) < float(log[0]["train_reconstruction"])
    assert {"group", "subtype"} <= set(metrics["levels"]["slide"])


@pytest.mark.real
def test_camelyon16_on_the_official_list(real_data, tmp_path):
    found = load("camelyon16").main(["--smoke", "--data", str(real_data), "--out", str(tmp_path)])
    rows = table(tmp_path / "labels.csv")
    assert len(rows) == 399
    counts = {(r["label"], r["split"]): 0 for r in rows}
    for row in rows:
        counts[row["label"], row["split"]] += 1
    official = {
        ("normal", "train"): 159,
        ("tumour", "train"): 111,
        ("normal", "test"): 80,
        ("tumour", "test"): 49,
    }
    assert counts == official
    tested = [r for r in table(tmp_path / "run" / "predictions.csv") if r["split"] == "test"]
    assert len(tested) == 129
    assert all(r["slide_id"].startswith("test_") for r in tested)
    assert {"accuracy", "auc", "patch auc", "froc"} <= set(found)
    instances = json.loads((tmp_path / "run" / "instances.json").read_text())
    assert (instances["slides"], instances["maps"]) == (129, 49)


@pytest.mark.real
def test_tcga_luad_by_patient(real_data, tmp_path):
    given = ["--smoke", "--genes", "EGFR", "--data", str(real_data), "--out", str(tmp_path)]
    assert list(load("tcga_luad").main(given)) == ["EGFR"]
    rows = [r for r in table(tmp_path / "EGFR" / "predictions.csv") if r["split"] == "test"]
    slides = {r["slide_id"]: r["patient_id"] for r in table(tmp_path / "mutations.csv")}
    assert {r["slide_id"]: r["patient_id"] for r in rows} == slides
    assert len({r["fold"] for r in rows}) == 5
    folds = {(r["patient_id"], r["fold"]) for r in rows}
    assert len(folds) == len(set(slides.values()))  # all slides of a patient in one fold
    assert all("-DX" in name and patient == name[:12] for name, patient in slides.items())
