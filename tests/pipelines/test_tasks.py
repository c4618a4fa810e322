"""Every task from manifest to metrics: what can be learned is found, permuted targets are at chance."""

from __future__ import annotations

import csv
import json
import math
import shutil

import numpy as np
import pytest
import torch

import wsigraph as wg
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import CohortError, RecipeError, RunError
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.evaluate import evaluate_run
from wsigraph.pipelines.predict import predict_files

CLASSES = ("0", "1", "2")
ASKED = {
    "cox": {"name": "cox", "time_col": "months", "event_col": "died"},
    "discrete_time": {"name": "discrete_time", "time_col": "months", "event_col": "died"},
    "ordinal": {"name": "ordinal", "target_col": "grade"},
    "regression": {"name": "regression", "target_col": "percent"},
    "multilabel": {"name": "multilabel", "target_col": "rich,even"},
}
FOUND = {  # metric, what skill must exceed, what chance gives and how far a permuted cohort may be from it
    "cox": ("concordance", 0.75, 0.5, 0.17),
    "discrete_time": ("concordance", 0.75, 0.5, 0.17),
    "ordinal": ("quadratic_kappa", 0.6, 0.0, 0.35),
    "regression": ("spearman", 0.75, 0.0, 0.4),
    "multilabel": ("auc", 0.85, 0.5, 0.2),
}


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def share_manifest(tmp_path_factory):
    """Synthetic slides that differ in the share of a second kind of patch, and in a third; all targets are of
    these shares. Nobody may change them."""
    folder, rng, rows = tmp_path_factory.mktemp("shares"), np.random.default_rng(7), []
    for i in range(64):
        share, third = rng.uniform(0.05, 0.6), rng.integers(0, 2)
        kinds, others = rng.uniform(size=(60, 1)) < share, rng.uniform(size=(60, 1)) < 0.4 * third
        x = rng.standard_normal((60, 6)) + 3.0 * kinds * np.eye(6)[0] + 3.0 * others * np.eye(6)[1]
        coords = np.stack(np.divmod(np.arange(60), 8), 1) * 256
        features = PatchFeatures(f"synthetic_{i:02d}", x.astype(np.float32), coords, encoder="synthetic")
        wg.write_features(folder / "features" / f"synthetic_{i:02d}.h5", features)
        time, censored = 30 * np.exp(rng.normal(-8 * share, 0.4)), rng.exponential(30)
        rows.append(
            {
                "slide_id": features.slide_id,
                "patient_id": f"synthetic_patient_{i:02d}",
                "months": round(min(time, censored), 2),
                "died": int(time <= censored),
                "grade": int(share > 0.23) + int(share > 0.42),
                "percent": round(100 * share, 1),
                "rich": int(share > 0.32),
                "even": "" if i % 8 == 0 else third,
            }
        )
    write(folder / "manifest.csv", rows)
    targets = [{k: v for k, v in row.items() if k not in ("slide_id", "patient_id")} for row in rows]
    order = rng.permutation(len(rows))
    write(folder / "permuted.csv", [row | targets[j] for row, j in zip(rows, order, strict=True)])
    return folder


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def ask(share_manifest, tmp_path_factory, cpu):
    """Cross-validate a small method on a task; once per task and manifest."""
    done = {}

    def run(task, manifest="manifest"):
        if (task, manifest) not in done:
            cohort = wg.Cohort.from_manifest(
                share_manifest / f"{manifest}.csv", features=share_manifest / "features", task=ASKED[task]
            )
            method = wg.recipe("mean_pool", in_channels=6, classes=cohort.classes, task=cohort.task)
            method = method.with_settings(
                {
                    "optimiser.lr": 0.05,
                    "optimiser.epochs": 12,
                    "checkpoint.monitor": "last",
                    "sampler.slides_per_step": 8 if task == "cox" else 2,
                }
            )
            out = tmp_path_factory.mktemp(f"{task}_{manifest}") / "run"
            done[task, manifest] = (
                cross_validate(method, cohort, folds=2, out=out, trainer=cpu),
                cohort,
                method,
            )
        return done[task, manifest]

    return run


@pytest.mark.parametrize("task", list(ASKED))
def test_what_can_be_learned_is_found(ask, task):
    name, least, _, _ = FOUND[task]
    result, cohort, _ = ask(task)
    cell = result.metrics["slide"][name]
    assert cell["value"] > least
    assert cell["low"] < cell["value"] < cell["high"]
    tested = [row for row in table(result.path / "predictions.csv") if row["split"] == "test"]
    assert sorted(row["slide_id"] for row in tested) == sorted(s.slide_id for s in cohort.slides)
    assert json.loads((result.path / "metrics.json").read_text())["task"] == task


@pytest.mark.parametrize("task", list(ASKED))
def test_permuted_targets_are_at_chance(ask, task):
    name, _, chance, spread = FOUND[task]
    assert ask(task, "permuted")[0].metrics["slide"][name]["value"] == pytest.approx(chance, abs=spread)


@pytest.mark.parametrize("task", list(ASKED))
def test_a_run_evaluated_predicted_and_called_again_says_the_same(ask, task, cpu):
    result, cohort, method = ask(task)
    metrics, failed = evaluate_run(result.path)
    assert failed == {}
    assert metrics["slide"] == result.metrics["slide"]
    again = cross_validate(method, cohort, folds=2, out=result.path, trainer=cpu)
    assert again.metrics["slide"] == result.metrics["slide"]
    _, answers, _ = predict_files(result.path, [slide.path for slide in cohort.slides[:6]])
    tested = {
        row["slide_id"]: row for row in table(result.path / "predictions.csv") if row["split"] == "test"
    }
    columns = method.make_task().answer_columns(cohort.classes)
    if task == "discrete_time":
        columns = [name for name in next(iter(tested.values())) if name == "risk" or "survival" in name]
        assert len(columns) == 4
    for answer in answers:
        row = tested[answer.slide_id]
        assert (answer.split, answer.fold) == ("test", int(row["fold"]))
        values = answer.probabilities if task == "ordinal" else answer.values
        assert values == pytest.approx([float(row[name]) for name in columns], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("task", list(ASKED))
def test_other_slides_get_the_mean_answer_of_the_folds(ask, task):
    result, cohort, _ = ask(task)
    features = wg.read_features(cohort.slides[0].path)
    each = [wg.load_model(result.path / name) for name in ("fold_0", "fold_1")]
    answers = [model.answer(model.graph(features)).values for model in each]
    whole = wg.load_model(result.path)
    answer = whole.answer(whole.graph(features))
    assert len(answer.columns) == len(answer.values)
    torch.testing.assert_close(answer.values, torch.stack(answers).mean(0), rtol=1e-6, atol=1e-6)
    assert not torch.allclose(*answers)


def test_scale_and_bins_are_those_of_the_training_slides(ask):
    for task, name in (("regression", "mean"), ("discrete_time", "ends")):
        result, cohort, _ = ask(task)
        rows = table(result.path / "predictions.csv")
        assert name not in json.loads((result.path / "run.json").read_text())["recipe"]["task"]
        for fold in ("0", "1"):
            held = {row["slide_id"] for row in rows if row["fold"] == fold}
            seen = [t for s, t in zip(cohort.slides, cohort.targets, strict=True) if s.slide_id not in held]
            stored = json.loads((result.path / f"fold_{fold}" / "recipe.json").read_text())["task"][name]
            if task == "regression":
                assert stored == pytest.approx([np.mean([t[0] for t in seen])])
            else:
                events = np.sort([time for time, event in seen if event])
                wanted = [events[math.ceil(k * len(events) / 4) - 1] for k in (1, 2, 3)]
                assert stored == [*wanted, max(time for time, _ in seen)]


def test_survival_falls_and_risk_rises(ask):
    rows = table(ask("discrete_time")[0].path / "predictions.csv")
    curves = np.array([[float(v) for k, v in row.items() if k.startswith("survival_")] for row in rows])
    assert (np.diff(curves) <= 0).all()
    assert ((curves >= 0) & (curves <= 1)).all()
    order = np.corrcoef([float(row["risk"]) for row in rows], curves.mean(1))[0, 1]
    assert order < -0.9


@pytest.mark.parametrize("task", list(ASKED))
def test_an_external_cohort_is_scored_in_its_own_words(ask, task, share_manifest, tmp_path):
    """The same slides under other names: every fold answers each, so the score is that of the mean."""
    result, cohort, _ = ask(task)
    shutil.copytree(result.path, tmp_path / "run")
    rows = table(share_manifest / "manifest.csv")[:20]
    for row in rows:
        new = row["slide_id"].replace("synthetic", "elsewhere")
        (tmp_path / "features").mkdir(exist_ok=True)
        shutil.copy(
            share_manifest / "features" / f"{row['slide_id']}.h5", tmp_path / "features" / f"{new}.h5"
        )
        row |= {"slide_id": new, "patient_id": new}
    write(tmp_path / "external.csv", rows)
    external = wg.Cohort.from_manifest(
        tmp_path / "external.csv",
        features=tmp_path / "features",
        classes=cohort.classes,
        task=ASKED[task],
    )
    metrics, failed = evaluate_run(tmp_path / "run", cohort=external)
    name, least, _, _ = FOUND[task]
    assert failed == {}
    assert metrics["counts"]["external"] == 20
    assert metrics["slide"][name]["value"] > least
    plain = wg.Cohort.from_manifest(
        tmp_path / "external.csv", features=tmp_path / "features", target_col="grade"
    )
    with pytest.raises(RunError, match=f"a cohort read for task '{task}', got 'classification'"):
        evaluate_run(tmp_path / "run", cohort=plain)


def test_the_report_shows_the_tasks_metrics_and_pictures(ask):
    said = {
        "cox": ("Concordance index", "Kaplan-Meier curves", "one and the same network"),
        "regression": (
            "R squared",
            "answered against true",
            "Lower is better for the mean absolute error and",
        ),
        "multilabel": ("Average precision", "Per label", "even"),
        "ordinal": ("Quadratic kappa", "Confusion matrix", "Lower is better for the number of classes off"),
    }
    for task, sentences in said.items():
        page = (ask(task)[0].path / "report.html").read_text(encoding="utf-8")
        for sentence in sentences:
            assert sentence in page, (task, sentence)


def test_the_log_has_the_loss_of_all_validation_slides_together(ask):
    """One slide alone compares with nobody: of it nothing is logged, of all together the loss is."""
    rows = table(ask("cox")[0].path / "log.csv")
    assert all(float(row["train_ce"]) > 0.0 for row in rows)
    assert not any(row.get("val_ce") for row in rows)
    assert all(float(row["val_loss"]) > 0.0 for row in rows)
    assert any(row["val_concordance"] for row in rows)


def test_a_patient_of_several_slides_stands_once_in_patients_csv(ask):
    for task in ASKED:
        run = ask(task)[0].path
        tested = [row for row in table(run / "predictions.csv") if row["split"] == "test"]
        patients = table(run / "patients.csv")
        assert {row["slide_id"] for row in patients} == {row["patient_id"] for row in tested}
        assert list(patients[0]) == list(tested[0])


def test_a_cohort_read_for_something_else_is_refused(ask, share_manifest, cpu, tmp_path):
    _, cohort, method = ask("cox")
    plain = wg.Cohort.from_manifest(
        share_manifest / "manifest.csv", features=share_manifest / "features", target_col="grade"
    )
    with pytest.raises(RecipeError, match=r"a cohort read for task 'cox', got one read for 'classification'"):
        cross_validate(method, plain, folds=2, out=tmp_path / "a", trainer=cpu)
    bare = wg.Cohort.from_manifest(
        share_manifest / "manifest.csv", features=share_manifest / "features", target_col=None, task="cox"
    )
    with pytest.raises(CohortError, match="a cohort with labels, got 64 slides read without"):
        cross_validate(method, bare, folds=2, out=tmp_path / "a", trainer=cpu)
    with pytest.raises(RecipeError, match=r"the cohort's classes \[\], got \['a', 'b'\]"):
        cross_validate(method.model_copy(update={"classes": ("a", "b")}), cohort, folds=2, out=tmp_path)


def test_export_ends_in_a_softmax(ask, tmp_path):
    with pytest.raises(
        RecipeError, match=r"Export of recipe 'mean_pool': expected a task of classes, got task"
    ):
        wg.export_model(ask("cox")[0].path / "fold_0", tmp_path / "model.pt2")
