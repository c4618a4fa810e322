"""A whole run: what its folder holds, how it resumes, and how folds trained apart are joined."""

from __future__ import annotations

import csv
import json
import math
import shutil
from importlib.metadata import version

import pytest
import torch

import wsigraph as wg
from wsigraph.errors import CohortError, LeakError, RecipeError, RunError
from wsigraph.pipelines import one_fit
from wsigraph.pipelines.cross_validate import cross_validate, merge
from wsigraph.pipelines.fit import fit
from wsigraph.pipelines.reporter import Silent


def table(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_the_run_folder_holds_what_it_should(finished):
    wanted = {"run.json", "predictions.csv", "patients.csv", "metrics.json", "log.csv", "curves.png"}
    assert wanted | {"fold_0", "fold_1"} <= {f.name for f in finished.iterdir()}
    for fold in ("fold_0", "fold_1"):
        there = {f.name for f in (finished / fold).iterdir()}
        assert {"model.safetensors", "recipe.json"} <= there
        assert "checkpoints" not in there
    assert not [f for f in finished.rglob("*") if ".tmp" in f.name]


def test_predictions_hold_every_slide_once_out_of_fold(finished, cohort):
    rows = table(finished / "predictions.csv")
    names = ["slide_id", "patient_id", "repeat", "fold", "split", "label", "pred"]
    assert list(rows[0]) == [*names, "prob_clustered", "prob_scattered"]
    tested = [row for row in rows if row["split"] == "test"]
    assert sorted(row["slide_id"] for row in tested) == sorted(s.slide_id for s in cohort.slides)
    truth = {s.slide_id: (s.label, s.patient_id) for s in cohort.slides}
    for row in rows:
        assert (row["label"], row["patient_id"]) == truth[row["slide_id"]]
        probabilities = {c: float(row[f"prob_{c}"]) for c in ("clustered", "scattered")}
        assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-12)
        assert row["pred"] == max(probabilities, key=probabilities.get)
    for fold in "01":
        sides = [
            {r["patient_id"] for r in rows if r["fold"] == fold and r["split"] == s} for s in ("test", "val")
        ]
        assert not sides[0] & sides[1]


def test_metrics_have_value_and_interval(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    assert {"slide", "patient", "per_class"} <= set(metrics)
    for level in ("slide", "patient"):
        for name in ("accuracy", "balanced_accuracy", "auc", "f1", "brier", "ece"):
            entry = metrics[level][name]
            assert {"value", "low", "high"} <= set(entry)
    assert set(metrics["per_class"]) == {"clustered", "scattered"}
    rows = [r for r in table(finished / "predictions.csv") if r["split"] == "test"]
    right = sum(r["pred"] == r["label"] for r in rows) / len(rows)
    assert metrics["slide"]["accuracy"]["value"] == pytest.approx(right)


def test_the_log_has_a_row_per_epoch_and_fold(finished):
    rows = table(finished / "log.csv")
    assert [(r["fold"], r["epoch"]) for r in rows] == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert all(math.isfinite(float(r["train_reconstruction"])) for r in rows)


def test_the_record_says_what_ran(finished, cohort):
    record = json.loads((finished / "run.json").read_text())
    assert record["plan"] == {"kind": "cross_validation", "folds": 2, "repeats": 1, "seed": 0}
    assert record["recipe"]["features"] == {"encoder": "synthetic", "patch_px": 256, "target_mpp": 0.5}
    assert set(record["data"]["slides"]) == {s.slide_id for s in cohort.slides}
    assert all(len(slide["features_sha256"]) == 64 for slide in record["data"]["slides"].values())
    assert record["data"]["source"]["sha256"] == cohort.source["sha256"]
    assert record["versions"]["torch"] == version("torch")


def test_inputs_are_standardised_by_training_slides_only(finished, cohort):
    rows = table(finished / "predictions.csv")
    held = {r["slide_id"] for r in rows if r["fold"] == "0"}
    model = wg.load_model(finished / "fold_0").networks[0]
    x = torch.cat(
        [
            torch.from_numpy(wg.read_features(s.path).x).double()
            for s in cohort.slides
            if s.slide_id not in held
        ]
    )
    torch.testing.assert_close(model.standardise.mean.double(), x.mean(0), rtol=0, atol=1e-5)
    torch.testing.assert_close(model.standardise.std.double(), x.std(0, unbiased=False), rtol=0, atol=1e-5)


class NoTrainingError(Exception):
    """Raised where training would begin."""


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*args, **kwargs):
        raise NoTrainingError

    monkeypatch.setattr(one_fit, "train", refuse)


def files(run):
    names = ("predictions.csv", "metrics.json", "patients.csv", "thresholds.json", "log.csv", "report.html")
    return {name: (run / name).read_bytes() for name in names}


@pytest.mark.usefixtures("no_training")
def test_a_finished_run_called_again_trains_nothing_and_says_the_same(finished, cohort, small, cpu, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    cross_validate(small(), cohort, folds=2, out=run, trainer=cpu)
    assert files(run) == files(finished)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    "case",
    [
        (
            {"optimiser__lr": 1e-2},
            {},
            r"the same run to resume, got another run: recipe.optimiser.lr is 0.0005 there and 0.01 here",
        ),
        ({}, {"seed": 1}, "plan.seed is 0 there and 1 here"),
        ({}, {"folds": 3}, "plan.folds is 2 there and 3 here"),
    ],
)
def test_another_run_in_the_same_folder_is_refused(finished, cohort, small, cpu, case):
    change, plan, sentence = case
    with pytest.raises(RunError, match=sentence):
        cross_validate(small(**change), cohort, **{"folds": 2, **plan}, out=finished, trainer=cpu)


@pytest.mark.usefixtures("no_training")
def test_other_slides_in_the_same_folder_are_refused(finished, cohort, small, cpu):
    with pytest.raises(RunError, match=r"data.slides.synthetic_013 stands on one side only"):
        cross_validate(small(), cohort.subset(range(13)), folds=2, out=finished, trainer=cpu)


def test_folds_trained_apart_and_merged_equal_one_run(finished, cohort, small, cpu, tmp_path):
    parts = [tmp_path / "a", tmp_path / "b"]
    for fold, out in enumerate(parts):
        result = cross_validate(small(), cohort, folds=2, fold=fold, out=out, trainer=cpu)
        assert result.metrics == {}
    with pytest.raises(
        RunError, match=r"expected fold 1 of repeat 0 in one of 1 runs, got none. Run it: .*--fold 1"
    ):
        merge(parts[:1], tmp_path / "c")
    result = merge(parts, tmp_path / "whole")
    assert files(tmp_path / "whole") == files(finished)
    assert result.metrics["slide"]["auc"]["value"] is not None
    for name in ("fold_0", "fold_1"):
        weights = [(run / name / "model.safetensors").read_bytes() for run in (tmp_path / "whole", finished)]
        assert weights[0] == weights[1]


def test_other_runs_are_not_merged(finished, cohort, small, cpu, tmp_path):
    cross_validate(small(), cohort, folds=2, fold=0, seed=3, out=tmp_path / "other", trainer=cpu)
    with pytest.raises(
        RunError, match=r"expected the same run as .*, got another: plan.seed is 0 there and 3 here"
    ):
        merge([finished, tmp_path / "other"], tmp_path / "whole")
    with pytest.raises(RunError, match=r"expected a file run.json, got none"):
        merge([tmp_path / "nothing"], tmp_path / "whole")


def test_repeats_lie_in_folders_of_their_own(cohort, small, cpu, tmp_path):
    method = small("abmil", optimiser__epochs=1)
    cross_validate(method, cohort, folds=2, repeats=2, out=tmp_path / "run", trainer=cpu)
    assert (tmp_path / "run" / "repeat_1" / "fold_1" / "model.safetensors").is_file()
    tested = [r for r in table(tmp_path / "run" / "predictions.csv") if r["split"] == "test"]
    assert len(tested) == 2 * len(cohort)
    assert len({(r["slide_id"], r["repeat"]) for r in tested}) == 2 * len(cohort)


def test_a_recipe_of_ones_own_runs_to_its_end(cohort, small, cpu, tmp_path):
    mine = small("abmil", optimiser__epochs=1).model_copy(update={"name": "my method"})
    assert cross_validate(mine, cohort, folds=2, out=tmp_path, trainer=cpu).metrics


def test_a_fold_that_does_not_exist(cohort, small, cpu, tmp_path):
    with pytest.raises(RunError, match="expected a fold from 0 to 1, got 2"):
        cross_validate(small(), cohort, folds=2, fold=2, out=tmp_path / "run", trainer=cpu)


def test_classes_must_be_the_cohorts(cohort, cpu, tmp_path):
    method = wg.recipe("abmil", in_channels=8, classes=["a", "b"])
    with pytest.raises(
        RecipeError, match=r"the cohort's classes \['clustered', 'scattered'\], got \['a', 'b'\]"
    ):
        cross_validate(method, cohort, folds=2, out=tmp_path / "run", trainer=cpu)


class Listener(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.lines, self.steps, self.total = [], {}, {}

    def start(self, task, total):
        self.total[task] = total

    def advance(self, task, steps=1):
        self.steps[task] = self.steps.get(task, 0) + steps

    def say(self, text):
        self.lines.append(text)


def test_progress_adds_up(cohort, small, cpu, tmp_path):
    listener = Listener()
    cross_validate(small("abmil"), cohort, folds=2, out=tmp_path, trainer=cpu, reporter=listener)
    assert listener.steps == listener.total
    assert listener.total["Training abmil"] == 4


def test_fit_trains_one_model_and_checks_leaks(cohort, small, cpu, tmp_path):
    train, val = cohort.subset(range(8)), cohort.subset(range(8, 14))
    result = fit(small("abmil"), train=train, val=val, out=tmp_path / "run", trainer=cpu)
    rows = table(tmp_path / "run" / "predictions.csv")
    assert {r["slide_id"] for r in rows} == {s.slide_id for s in val.slides}
    assert {r["split"] for r in rows} == {"val"}
    assert wg.load_model(result.path / "fold_0").networks
    with pytest.raises(
        LeakError,
        match=r"expected every patient on one side, got patient 'synthetic_patient_00\d' in train and val",
    ):
        fit(
            small(),
            train=cohort.subset([0, 1, 2]),
            val=cohort.subset([*range(3, 14), 0]),
            out=tmp_path / "b",
            trainer=cpu,
        )


def test_fit_draws_its_own_validation_patients(cohort, small, cpu, tmp_path):
    fit(small("abmil", optimiser__epochs=1), train=cohort, out=tmp_path / "run", trainer=cpu)
    assert 2 <= len(table(tmp_path / "run" / "predictions.csv")) <= 6


def test_one_class_cannot_be_cross_validated(cohort, small, cpu, tmp_path):
    only = cohort.subset([i for i, label in enumerate(cohort.labels) if label == "clustered"])
    with pytest.raises(CohortError, match=r"expected at least 2 classes, got \['clustered'\]"):
        cross_validate(small(), only, folds=2, out=tmp_path / "run", trainer=cpu)
