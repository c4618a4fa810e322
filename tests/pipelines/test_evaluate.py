"""Metrics computed again from a run, or on slides from elsewhere."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from wsigraph.errors import RunError
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.evaluate import evaluate_run
from wsigraph.pipelines.reporter import Silent


def test_a_run_evaluated_again_says_the_same(finished):
    metrics, failed = evaluate_run(finished)
    stored = json.loads((finished / "metrics.json").read_text())
    assert failed == {}
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
