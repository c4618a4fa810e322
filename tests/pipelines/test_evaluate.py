"""Metrics computed again from a run, or on slides from elsewhere."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import pytest

from wsigraph.cli.app import run as command
from wsigraph.errors import RunError
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.evaluate import evaluate_run
from wsigraph.pipelines.reporter import Silent


def test_a_run_evaluated_again_says_the_same(finished):
    metrics, failed = evaluate_run(finished)
    stored = json.loads((finished / "metrics.json").read_text())
    assert failed == {}
    assert metrics["decisions"]["scattered"]["curve"] == stored["decisions"]["scattered"]["curve"]
    for name, entry in stored["slide"].items():
        assert metrics["slide"][name]["value"] == pytest.approx(entry["value"], nan_ok=True)


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def external(tmp_path_factory, write_cohort):
    manifest = write_cohort(tmp_path_factory.mktemp("external"), slides=6, seed=99)
    text = manifest.read_text().replace("synthetic_patient", "elsewhere").replace("synthetic_0", "ext_0")
    manifest.write_text(text)
    for file in (manifest.parent / "features").iterdir():
        file.rename(file.with_name(file.name.replace("synthetic_0", "ext_0")))
    return Cohort.from_manifest(manifest, features=manifest.parent / "features")


def test_an_external_cohort_is_predicted_and_scored(run, external):
    metrics, failed = evaluate_run(run, cohort=external)
    assert failed == {}
    text = (run / "external" / "predictions.csv").read_text()
    rows = text.splitlines()[1:]
    right = [row.split(",")[5:7] for row in text.splitlines()[1:]]
    assert metrics["slide"]["accuracy"]["value"] == pytest.approx(sum(a == b for a, b in right) / 6)
    assert sorted(row.split(",")[0] for row in rows) == sorted(s.slide_id for s in external.slides)
    assert all(row.split(",")[1].startswith("elsewhere") for row in rows)
    assert json.loads((run / "external" / "metrics.json").read_text())["slide"]["auc"]["value"] is not None


def table(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_an_external_cohort_is_decided_at_thresholds_it_did_not_choose(run, external):
    metrics, _ = evaluate_run(run, cohort=external, out=run.parent / "there")
    frozen = json.loads((run / "thresholds.json").read_text())["names"]["scattered"]
    validation = [row for row in table(run / "predictions.csv") if row["split"] == "val"]
    assert frozen["slide"]["pooled"]["rows"] == len(validation)
    cut = frozen["slide"]["pooled"]["value"]
    answers = table(run.parent / "there" / "predictions.csv")
    called = [(row["label"] == "scattered", float(row["prob_scattered"]) >= cut) for row in answers]
    hits = [yes for truth, yes in called if truth]
    false = [yes for truth, yes in called if not truth]
    found = metrics["decisions"]["scattered"]
    assert found["slide"]["sensitivity"]["value"] == pytest.approx(sum(hits) / len(hits))
    assert found["slide"]["specificity"]["value"] == pytest.approx(1 - sum(false) / len(false))
    assert found["thresholds"]["slide"] == [cut]
    other = {"clustered": "scattered", "scattered": "clustered"}
    flipped = replace(external, slides=tuple(replace(one, label=other[one.label]) for one in external.slides))
    again, _ = evaluate_run(run, cohort=flipped, out=run.parent / "flipped")
    assert again["decisions"]["scattered"]["thresholds"] == found["thresholds"]
    assert again["decisions"]["scattered"]["slide"] != found["slide"]


def test_the_report_of_an_external_cohort_says_so_and_holds_what_was_decided(run, external):
    before = {name: (run / name).read_bytes() for name in ("metrics.json", "report.html", "predictions.csv")}
    evaluate_run(run, cohort=external)
    page = (run / "external" / "report.html").read_text(encoding="utf-8")
    for words in (
        "on an external cohort",
        "Decisions at a threshold frozen on validation",
        "Sensitivity",
        "Decision curve",
        "Manifest and feature files",
    ):
        assert words in page, words
    assert len(table(run / "external" / "patients.csv")) == len(set(external.patients))
    assert (run / "external" / "join.csv").is_file()
    assert before == {name: (run / name).read_bytes() for name in before}


def test_the_verb_shows_the_join_the_decisions_and_where_the_report_is(run, external, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    manifest, out = external.source["manifest"], run.parent / "there"
    features = external.slides[0].path.parent
    ask = ["evaluate", run, "--manifest", manifest, "--features", features, "--out", out]
    assert command([str(word) for word in ask]) == 0
    said = capsys.readouterr()
    assert "Slides with features, used" in said.err
    assert "scattered: sensitivity" in said.out
    assert f"report: {out}/report.html" in said.out
    assert (out / "report.html").is_file()
    assert not (run / "external").exists()


def test_a_run_from_before_thresholds_were_kept_has_the_same(run, external):
    with_file = evaluate_run(run, cohort=external)[0]["decisions"]
    (run / "thresholds.json").write_text('{"names": []}')
    with pytest.raises(RunError, match="expected a file of wsigraph"):
        evaluate_run(run, cohort=external)
    (run / "thresholds.json").unlink()
    assert evaluate_run(run, cohort=external)[0]["decisions"] == with_file


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def test_the_runs_own_patients_are_pointed_out(run, cohort):
    heard = Heard()
    metrics, _ = evaluate_run(run, cohort=cohort, reporter=heard)
    assert any("12 patients of this cohort" in line and "out of fold" in line for line in heard.lines)
    assert metrics["slide"]["auc"]["value"] == pytest.approx(evaluate_run(run)[0]["slide"]["auc"]["value"])


def test_classes_the_model_does_not_know(run, external):
    with pytest.raises(RunError, match=r"expected labels among \['clustered', 'scattered'\], got"):
        evaluate_run(run, cohort=replace(external, classes=("clustered", "other")))


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(
        RunError, match=r"expected a file run.json, got none. Give a folder of `wsigraph train`"
    ):
        evaluate_run(tmp_path)
