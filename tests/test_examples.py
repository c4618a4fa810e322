"""The examples run from end to end on made-up features; those for real cohorts on true lists of slides."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ("all_three", "camelyon16", "tcga_luad", "tcga_nsclc")
DATASETS = (*NAMES, "bracs", "panda")
SHORT = ("own_aggregator", "own_features", "quickstart")
PARAGRAPHS = ["Cohort", "Graph", "Recipe", "Fit", "Evaluate"]


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", DATASETS)
def test_an_example_is_short_and_has_the_five_paragraphs(name):
    lines = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    headed = [line.strip().removeprefix("# ").partition(":")[0] for line in lines if line.startswith("    ")]
    assert [word for word in headed if word in PARAGRAPHS] == PARAGRAPHS


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*DATASETS, *SHORT}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in (*DATASETS, *SHORT) if f"| `{name}.py` |" not in page] == []


@pytest.mark.parametrize("name", NAMES)
def test_without_data_it_says_what_is_missing(name, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        load(name).main(["--out", str(tmp_path)])
    assert "--features" in capsys.readouterr().err


@pytest.mark.real
@pytest.mark.parametrize("given", [(), ("--random",)], ids=["signal", "random"])
def test_all_three_systems_in_one_run(given, real_data, tmp_path, capsys):
    known = ["--smoke", "--data", str(real_data), "--out", str(tmp_path)]
    metrics = load("all_three").main([*known, *given])
    said = capsys.readouterr().out
    for term in ("reconstruction", "ranking", "instance_alignment", "contrast", "ce_fine", "max_instance"):
        assert f"term {term}: weight" in said
    log = table(tmp_path / "run" / "log.csv")
    assert {row["fold"] for row in log} == {"0", "1"}
    if not given:  # noise cannot be rebuilt
        assert float(log[1]["train_reconstruction"]) < float(log[0]["train_reconstruction"])
    auc = metrics["slide"]["auc"]["value"]
    assert 0.4 < auc < 0.6 if given else auc > 0.9
    assert {"group", "subtype"} <= set(metrics["levels"]["slide"])


@pytest.mark.real
@pytest.mark.parametrize("given", [(), ("--random",)], ids=["signal", "random"])
def test_camelyon16_on_the_official_list(given, real_data, tmp_path, monkeypatch):
    if given:  # maps of noise are not looked at, and take a third of the time
        monkeypatch.setattr("wsigraph.pipelines.mine_truth.write_probability_map", lambda *_, **__: None)
    known = ["--smoke", "--data", str(real_data), "--out", str(tmp_path)]
    found = load("camelyon16").main([*known, *given])
    rows = table(tmp_path / "labels.csv")
    official = {
        ("normal", "train"): 159,
        ("tumour", "train"): 111,
        ("normal", "test"): 80,
        ("tumour", "test"): 49,
    }
    assert Counter((row["label"], row["split"]) for row in rows) == official
    tested = [r for r in table(tmp_path / "run" / "predictions.csv") if r["split"] == "test"]
    assert {r["slide_id"] for r in tested} == {r["slide_id"] for r in rows if r["split"] == "test"}
    instances = json.loads((tmp_path / "run" / "instances.json").read_text())
    assert (instances["slides"], instances["maps"]) == (129, 49)
    slides, patches = found["slide"]["auc"]["value"], instances["auc"]["value"]
    assert instances["auc"] == found["patches"]["auc"]
    if given:
        assert 0.35 < slides < 0.65
        assert 0.4 < patches < 0.6
    else:
        assert min(slides, patches, instances["froc"]["score"]["value"]) > 0.9


@pytest.mark.real
@pytest.mark.parametrize("given", [(), ("--random",)], ids=["signal", "random"])
def test_tcga_luad_by_patient(given, real_data, tmp_path):
    known = ["--smoke", "--genes", "EGFR", "--data", str(real_data), "--out", str(tmp_path)]
    found = load("tcga_luad").main([*known, *given])
    auc = found["EGFR"]["value"]
    assert 0.3 < auc < 0.7 if given else auc > 0.9
    rows = [r for r in table(tmp_path / "EGFR" / "predictions.csv") if r["split"] == "test"]
    slides = {r["slide_id"]: r["patient_id"] for r in table(tmp_path / "mutations.csv")}
    assert {r["slide_id"]: r["patient_id"] for r in rows} == slides
    folds = {(r["patient_id"], r["fold"]) for r in rows}
    assert len({r["fold"] for r in rows}) == 3
    assert len(folds) == len(set(slides.values()))  # all slides of a patient in one fold
    assert all("-DX" in name and patient == name[:12] for name, patient in slides.items())


@pytest.mark.real
@pytest.mark.parametrize("given", [(), ("--random",)], ids=["signal", "random"])
def test_tcga_nsclc_by_patient(given, real_data, tmp_path):
    metrics = load("tcga_nsclc").main(["--smoke", "--data", str(real_data), "--out", str(tmp_path), *given])
    auc = metrics["slide"]["auc"]["value"]
    assert 0.35 < auc < 0.65 if given else auc > 0.9
    slides = table(tmp_path / "labels.csv")
    assert {row["label"] for row in slides} == {"LUAD", "LUSC"}
    assert all(row["patient_id"] == row["slide_id"][:12] for row in slides)
    rows = [r for r in table(tmp_path / "srmil" / "predictions.csv") if r["split"] == "test"]
    assert {r["slide_id"] for r in rows} == {row["slide_id"] for row in slides}
    folds = {(r["patient_id"], r["fold"]) for r in rows}
    assert len(folds) == len({row["patient_id"] for row in slides})


def as_a_user(name, folder):
    """Run it in a process of its own, which keeps parts it registers out of other tests."""
    command = [sys.executable, "-W", "error::UserWarning", str(EXAMPLES / f"{name}.py"), "--out", "OUT"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def auc_of(run):
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))["slide"]["auc"]["value"]


def test_the_first_look_shows_what_arrangement_gives(tmp_path):
    said = as_a_user("quickstart", tmp_path)
    srmil, abmil = (auc_of(tmp_path / "OUT" / name) for name in ("srmil", "abmil"))
    assert srmil > 0.85
    assert 0.2 < abmil < 0.8
    assert f"srmil - abmil: {srmil - abmil:+.3f}" in said


def test_own_features_are_written_looked_over_and_trained_on(tmp_path):
    said = as_a_user("own_features", tmp_path)
    assert "neighbours each, step 512 px (confidence 1.00), 0 isolated" in said
    assert auc_of(tmp_path / "OUT" / "run") > 0.9


def test_an_aggregator_of_ones_own_is_checked_and_trained(tmp_path):
    said = as_a_user("own_aggregator", tmp_path)
    assert "LogSumExp keeps every promise of an aggregator" in said
    recipe = json.loads((tmp_path / "OUT" / "log-sum-exp" / "run.json").read_text(encoding="utf-8"))["recipe"]
    assert recipe["heads"]["bag"]["aggregator"] == {"name": "log_sum_exp", "sharpness": 4.0}
    assert min(auc_of(tmp_path / "OUT" / name) for name in ("gated_attention", "log-sum-exp")) > 0.65


def test_log_sum_exp_lies_between_the_mean_and_the_maximum():
    """By hand, on the values 0 and 1: log((1 + e^r) / 2) / r."""
    code = f"""
import sys
sys.path.insert(0, {str(EXAMPLES)!r})
import math, torch
from own_aggregator import LogSumExp
from wsigraph.data.bags import Bags
x, bags = torch.tensor([[0.0], [1.0], [5.0]]), Bags.of_sizes([2, 1])
for r in (0.01, 4.0, 100.0):
    first, second = LogSumExp(1, sharpness=r)(x, bags).embedding[:, 0].tolist()
    assert abs(first - (math.log1p(math.exp(-r)) + r - math.log(2)) / r) < 1e-4, (r, first)
    assert abs(second - 5) < 1e-4
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
