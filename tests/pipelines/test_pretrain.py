"""Label-free pretraining, and classifiers that start from it: what is taken, refused and said."""

from __future__ import annotations

import json

import pytest
import torch

from wsigraph.errors import CohortError, LeakError, RecipeError, RunError
from wsigraph.io.cohort import Cohort
from wsigraph.io.log_file import read_log
from wsigraph.io.model_files import load_states
from wsigraph.pipelines import one_fit
from wsigraph.pipelines.cross_validate import cross_validate, merge
from wsigraph.pipelines.evaluate import evaluate_run
from wsigraph.pipelines.fit import fit
from wsigraph.pipelines.predict import load_model
from wsigraph.pipelines.reporter import Silent
from wsigraph.pipelines.start import take
from wsigraph.pipelines.train import TrainPlan, read_cohort, train_cohort

LONGER = {"optimiser.epochs": 6, "optimiser.lr": 5e-3}


class Listener(Silent):
    """Remembers what was said."""

    def __init__(self):
        self.said = []

    def say(self, line):
        self.said.append(line)


@pytest.fixture(scope="module")
def unlabelled(manifest, tmp_path_factory):
    """A manifest without a label column."""
    file = tmp_path_factory.mktemp("unlabelled") / "slides.csv"
    text = manifest.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(line.rsplit(",", 1)[0] for line in text) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def pretrained(small, unlabelled, manifest, cpu, tmp_path_factory):
    """One network pretrained on all slides; nobody may change it."""
    cohort = Cohort.from_manifest(unlabelled, features=manifest.parent / "features", target_col=None)
    assert cohort.classes == ()
    out = tmp_path_factory.mktemp("pretrained") / "run"
    method = small("srmil_pretrain", **LONGER)
    assert fit(method, train=cohort, out=out, trainer=cpu).metrics == {}
    return out


def record_of(run):
    return json.loads((run / "run.json").read_text())


def test_pretraining_logs_its_loss_and_reads_no_label(pretrained):
    rows = read_log(pretrained / "log.csv")
    assert len(rows) == 6
    for side in ("train", "val"):
        assert all(row[f"{side}_reconstruction"] == row[f"{side}_total"] > 0 for row in rows)
    assert not {"val_loss", "val_auc", "val_accuracy"} & set(rows[0])
    assert {row["label"] for row in record_of(pretrained)["data"]["slides"].values()} == {""}


def test_a_pretraining_run_holds_no_predictions_and_no_metrics(pretrained):
    there = {file.relative_to(pretrained).as_posix() for file in pretrained.rglob("*") if file.is_file()}
    fold = {
        f"fold_0/{name}" for name in ("model.safetensors", "objectives.safetensors", "recipe.json", "log.csv")
    }
    assert there == {"run.json", "join.csv", "log.csv", "curves.png", *fold}


def test_pretraining_predicts_nothing_and_says_so(pretrained):
    with pytest.raises(RunError, match=r"expected a classifier, got a pretrained encoder .* --start-from"):
        load_model(pretrained)
    with pytest.raises(RunError, match="expected a classifier, got a pretrained encoder"):
        evaluate_run(pretrained)


def test_labels_change_nothing(small, cohort, cpu, pretrained, tmp_path):
    method = small("srmil_pretrain", **LONGER)
    fit(method, train=cohort, out=tmp_path, trainer=cpu)
    for one, other in zip(load_states(tmp_path / "fold_0"), load_states(pretrained / "fold_0"), strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


class KilledError(Exception):
    """Stands for a kill."""


def test_a_killed_pretraining_goes_on_where_it_was(small, cohort, cpu, pretrained, tmp_path):
    method = small("srmil_pretrain", **LONGER)

    class Killer(Silent):
        left = 5

        def advance(self, label, by=1):
            self.left -= label.startswith("Training")
            if not self.left:
                raise KilledError

    with pytest.raises(KilledError):
        fit(method, train=cohort, out=tmp_path, trainer=cpu, reporter=Killer())
    assert (tmp_path / "fold_0" / "checkpoints" / "last.ckpt").is_file()
    fit(method, train=cohort, out=tmp_path, trainer=cpu)
    for one, other in zip(load_states(tmp_path / "fold_0"), load_states(pretrained / "fold_0"), strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert (tmp_path / "log.csv").read_bytes() == (pretrained / "log.csv").read_bytes()


@pytest.fixture
def first_weights(monkeypatch):
    """Weights of each network as its training begins."""
    found = []
    real = one_fit.train

    def watched(module, **options):
        found.append({name: value.clone() for name, value in module.state_dict().items()})
        return real(module, **options)

    monkeypatch.setattr(one_fit, "train", watched)
    return found


@pytest.fixture
def start_here(small, cohort, cpu, pretrained, tmp_path):
    """Cross-validate ``srmil`` from ``pretrained``; what was said."""

    def run():
        heard = Listener()
        ask = {"folds": 2, "out": tmp_path, "start_from": pretrained}
        cross_validate(small(), cohort, trainer=cpu, reporter=heard, **ask)
        return heard

    return run


def test_a_classifier_starts_from_equal_weights(start_here, pretrained, tmp_path, first_weights):
    heard = start_here()
    model, decoders = load_states(pretrained / "fold_0")
    assert len(first_weights) == 2
    for begun in first_weights:
        assert all(torch.equal(begun[f"model.{name}"], value) for name, value in model.items())
        assert all(torch.equal(begun[f"objectives.{name}"], value) for name, value in decoders.items())
    start = record_of(tmp_path)["start"]
    assert set(start["taken"]) == {*model, *(f"terms: {name}" for name in decoders)}
    assert all(name.startswith("heads.bag") for name in start["new"])
    assert start["unused"] == []
    assert any("weights start from" in line and "heads.bag" in line for line in heard.said)


def test_slides_that_pretraining_saw_are_recorded_and_said(start_here, cohort, tmp_path):
    heard = start_here()
    record = record_of(tmp_path)
    assert set(record["start"]["seen"]) == {slide.slide_id for slide in cohort.slides}
    assert len(record["start"]["test_slides_seen"]) == len(cohort)
    assert len(record["start"]["test_patients_seen"]) == len(set(cohort.patients))
    warned = [line for line in record["warnings"] if "transductive" in line]
    assert warned
    assert f"note: {warned[0]}" in heard.said
    assert "transductive" in (tmp_path / "report.html").read_text()


def test_pretraining_in_the_same_folds_holds_the_tests_out(small, cohort, cpu, tmp_path, first_weights):
    options = {"folds": 2, "seed": 3, "trainer": cpu}
    before, after = tmp_path / "before", tmp_path / "after"
    cross_validate(small("srmil_pretrain"), cohort, out=before, **options)
    assert not (before / "predictions.csv").exists()
    first_weights.clear()
    cross_validate(small(), cohort, out=after, start_from=before, **options)
    for fold, begun in enumerate(first_weights):
        model, _ = load_states(before / f"fold_{fold}")
        assert all(torch.equal(begun[f"model.{name}"], value) for name, value in model.items())
    record = record_of(after)
    assert record["start"]["test_slides_seen"] == record["start"]["test_patients_seen"] == []
    assert record["start"]["held_out_by_fold"]
    assert not any("transductive" in line for line in record["warnings"])
    with pytest.raises(RunError, match="expected the same slides in the same folds"):
        cross_validate(small(), cohort, out=tmp_path / "other", start_from=before, **{**options, "seed": 4})


def test_folds_pretrained_apart_are_merged(small, cohort, cpu, tmp_path):
    for fold in (0, 1):
        cross_validate(
            small("srmil_pretrain"), cohort, folds=2, fold=fold, out=tmp_path / str(fold), trainer=cpu
        )
    with pytest.raises(RunError, match="expected a finished network in"):
        cross_validate(small(), cohort, folds=2, out=tmp_path / "x", start_from=tmp_path / "0", trainer=cpu)
    assert merge([tmp_path / "0", tmp_path / "1"], tmp_path / "whole").metrics == {}
    assert (tmp_path / "whole" / "fold_1" / "objectives.safetensors").is_file()
    assert (tmp_path / "whole" / "curves.png").is_file()


def test_a_start_that_learned_from_the_labels_of_tests_is_refused(small, cohort, cpu, tmp_path):
    fitted = tmp_path / "fitted"
    fit(small(), train=cohort, out=fitted, trainer=cpu)
    with pytest.raises(LeakError, match=r"expected a run that learned from no label of the test slides, got"):
        cross_validate(small(), cohort, folds=2, out=tmp_path / "run", start_from=fitted, trainer=cpu)
    assert not (tmp_path / "run").exists()


def test_another_start_is_another_run(small, cohort, cpu, pretrained, tmp_path):
    cross_validate(small(), cohort, folds=2, fold=0, out=tmp_path, trainer=cpu)
    with pytest.raises(RunError, match="start_from"):
        cross_validate(small(), cohort, folds=2, fold=0, out=tmp_path, start_from=pretrained, trainer=cpu)


def test_a_start_is_followed_by_a_resumed_run(small, cohort, cpu, pretrained, tmp_path):
    ask = {"folds": 2, "start_from": pretrained, "trainer": cpu}
    first = cross_validate(small(), cohort, out=tmp_path, **ask)
    again = cross_validate(small(), cohort, out=tmp_path, **ask)
    assert (again.path, list(again.metrics)) == (first.path, list(first.metrics))


def test_what_does_not_agree_is_named(small, pretrained):
    wider = small(**{"terms.reconstruction.heads": 2, "encoder.num_layers": 3})
    result = take(pretrained / "fold_0", *wider.build())
    assert "encoder.layers.1.project.weight" in result.taken
    assert {name for name in result.new if name.startswith("encoder.")} == {
        f"encoder.layers.2.{name}"
        for name in (
            "project.weight",
            "attend_src",
            "attend_dst",
            "bias",
            "norm.weight",
            "norm.bias",
            "activation.weight",
        )
    }
    assert "terms: terms.reconstruction.hidden.attend_src" in result.new
    assert "terms: terms.reconstruction.hidden.attend_src" in result.unused


def test_a_start_that_fits_nowhere_is_refused(small, cohort, cpu, pretrained, tmp_path):
    for changes, sentence in (
        ({"encoder.hidden_channels": 24}, "an encoder of the same kind and width"),
        ({"standardise": False}, "standardise False, got True"),
    ):
        ask = {"folds": 2, "out": tmp_path / "run", "start_from": pretrained, "trainer": cpu}
        with pytest.raises(RunError, match=sentence):
            cross_validate(small(**changes), cohort, **ask)


def test_a_start_on_other_features_is_refused(small, cohort, cpu, pretrained, tmp_path):
    record = record_of(pretrained)
    for key, value, sentence in (
        ("encoder", "uni", r"patch encoder '.*', got 'uni'"),
        ("patch_px", 1, r"patch_px \d+, got 1\."),
    ):
        other = tmp_path / key
        other.mkdir()
        features = {**record["recipe"]["features"], key: value}
        text = json.dumps({**record, "recipe": {**record["recipe"], "features": features}})
        (other / "run.json").write_text(text)
        with pytest.raises(RunError, match=sentence):
            cross_validate(small(), cohort, folds=2, out=tmp_path / "run", start_from=other, trainer=cpu)
    wide = {**record, "recipe": {**record["recipe"], "in_channels": 9}}
    (other / "run.json").write_text(json.dumps(wide))
    with pytest.raises(RunError, match=r"channels 8, got 9"):
        cross_validate(small(), cohort, folds=2, out=tmp_path / "run", start_from=other, trainer=cpu)
    with pytest.raises(RunError, match=r"expected a file run.json, got none"):
        cross_validate(
            small(), cohort, folds=2, out=tmp_path / "run", start_from=tmp_path / "no", trainer=cpu
        )


class TestPlans:
    """What ``wsigraph train`` does."""

    def test_pretraining_reads_no_label_column(self, unlabelled, manifest, cpu, tmp_path):
        plan = TrainPlan("srmil_pretrain", {"encoder.hidden_channels": "8", "optimiser.epochs": "1"})
        cohort = read_cohort(plan, unlabelled, features=manifest.parent / "features")
        assert len(cohort) == 14
        result = train_cohort(plan, cohort, out=tmp_path, trainer=cpu)
        assert (result.path / "fold_0" / "model.safetensors").is_file()

    def test_a_classifier_needs_it(self, unlabelled, manifest):
        with pytest.raises(CohortError, match="expected a column 'label'"):
            read_cohort(TrainPlan("srmil"), unlabelled, features=manifest.parent / "features")

    def test_a_classifier_refuses_a_cohort_read_without(self, small, unlabelled, manifest, cpu, tmp_path):
        cohort = Cohort.from_manifest(unlabelled, features=manifest.parent / "features", target_col=None)
        with pytest.raises(CohortError, match="expected a cohort with labels, got 14 slides read without"):
            fit(small(), train=cohort, out=tmp_path, trainer=cpu)
        with pytest.raises(CohortError, match="at least 2 classes"):
            train_cohort(TrainPlan("srmil"), cohort, out=tmp_path)

    def test_one_fold_of_no_folds_is_refused(self, cohort, tmp_path):
        with pytest.raises(RecipeError, match="--folds beside --fold or --repeats"):
            train_cohort(TrainPlan("srmil_pretrain", fold=0), cohort, out=tmp_path)
