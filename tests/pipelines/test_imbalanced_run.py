"""Whole runs on uneven classes: whose frequencies are learned, what is recorded, resumed and started from."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter

import pytest
from safetensors.torch import load_file, save_file

from wsigraph.errors import CohortError
from wsigraph.io.atomic import read_json, write_json
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines import one_fit
from wsigraph.pipelines.cross_validate import cross_validate
from wsigraph.pipelines.fit import fit

UNEVEN = {"sampler__name": "balanced", "terms__ce__class_weights": "balanced"}


@pytest.fixture(scope="module")
def uneven(manifest, tmp_path_factory):
    """The cohort less some slides of its first class."""
    whole = Cohort.from_manifest(manifest, features=manifest.parent / "features")
    few = [i for i, label in enumerate(whole.labels) if label == "clustered"][:3]
    cohort = whole.subset(i for i in range(len(whole)) if i not in few)
    assert len(set(Counter(cohort.labels).values())) == 2
    return cohort


@pytest.fixture(scope="module")
def run(small, uneven, cpu, tmp_path_factory):
    """Two folds of a balanced abmil."""
    out = tmp_path_factory.mktemp("uneven") / "run"
    cross_validate(small("abmil", **UNEVEN), uneven, folds=2, out=out, trainer=cpu)
    return out


def test_frequencies_are_those_of_the_training_slides_alone(run, uneven):
    with open(run / "predictions.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for fold in (0, 1):
        held = {row["slide_id"] for row in rows if row["fold"] == str(fold)}  # tested, or chose the epoch
        trained = Counter(s.label for s in uneven.slides if s.slide_id not in held)
        state = load_file(run / f"fold_{fold}" / "objectives.safetensors")
        assert {name: value.tolist() for name, value in state.items()} == {
            "terms.ce.seen.counts": [trained[name] for name in uneven.classes]
        }


def test_the_record_names_sampler_and_weights(run):
    recipe = read_json(run / "run.json")["recipe"]
    assert recipe["sampler"] == {"name": "balanced", "slides_per_step": 4, "window_patches": None}
    assert recipe["terms"]["ce"]["class_weights"] == "balanced"


@pytest.fixture
def no_training(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a finished run was trained again")

    monkeypatch.setattr(one_fit, "train", refuse)


@pytest.mark.usefixtures("no_training")
def test_a_run_from_before_samplers_had_names_is_the_same_run(finished, small, cohort, cpu, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    record = read_json(tmp_path / "run" / "run.json")
    del record["recipe"]["sampler"]["name"]
    write_json(tmp_path / "run" / "run.json", record)
    again = cross_validate(small(), cohort, folds=2, out=tmp_path / "run", trainer=cpu)
    assert again.metrics["slide"]["auc"] == read_json(finished / "metrics.json")["slide"]["auc"]
    answers = [(folder / "predictions.csv").read_bytes() for folder in (tmp_path / "run", finished)]
    assert answers[0] == answers[1]


def test_frequencies_are_not_taken_from_another_run(run, small, uneven, cpu, tmp_path):
    """The same folds, but the other run's counts are spoilt: they must not come through."""
    shutil.copytree(run, tmp_path / "before")
    for fold in (0, 1):
        file = tmp_path / "before" / f"fold_{fold}" / "objectives.safetensors"
        spoilt = {name: value + 1000 for name, value in load_file(file).items()}
        save_file(spoilt, file)
    cross_validate(
        small("abmil", **UNEVEN),
        uneven,
        folds=2,
        out=tmp_path / "after",
        start_from=tmp_path / "before",
        trainer=cpu,
    )
    start = read_json(tmp_path / "after" / "run.json")["start"]
    assert "terms: terms.ce.seen.counts" in start["new"]
    assert any(name.startswith("encoder.") for name in start["taken"])
    for fold in (0, 1):
        states = [load_file(r / f"fold_{fold}" / "objectives.safetensors") for r in (run, tmp_path / "after")]
        assert states[0]["terms.ce.seen.counts"].tolist() == states[1]["terms.ce.seen.counts"].tolist()


def test_a_class_without_training_slides_has_no_frequency(small, uneven, cpu, tmp_path):
    by_class = {c: [i for i, label in enumerate(uneven.labels) if label == c] for c in uneven.classes}
    train, val = uneven.subset(by_class["scattered"]), uneven.subset(by_class["clustered"])
    assert not set(train.patients) & set(val.patients)
    with pytest.raises(CohortError, match=r"Term 'logit_adjusted': .* none of class 0 among"):
        fit(small("abmil", terms__ce__name="logit_adjusted"), train=train, val=val, out=tmp_path, trainer=cpu)


def test_a_run_without_weights_keeps_no_state_of_its_terms(small, uneven, cpu, tmp_path):
    fit(small("abmil", optimiser__epochs=1), train=uneven, out=tmp_path, trainer=cpu)
    assert not (tmp_path / "fold_0" / "objectives.safetensors").exists()
    assert json.loads((tmp_path / "fold_0" / "recipe.json").read_text())["sampler"]["name"] == "shuffled"
