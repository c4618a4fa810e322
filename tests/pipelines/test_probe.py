"""The probe: its optimum, its choice of penalty, and that it finds signal and only signal."""

from __future__ import annotations

import csv
import json

import h5py
import numpy as np
import pytest

from wsigraph.cli.app import run as command
from wsigraph.errors import CohortError
from wsigraph.io.cohort import Cohort
from wsigraph.pipelines.probe import probe_cohort
from wsigraph.training.probe import STRENGTHS, fit_probe
from wsigraph.training.splits import make_folds


def made(n, classes, *, seed, shift=1.5, channels=4):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return rng.normal(size=(n, channels)) * [1.0, 5.0, 1.0, 1.0] + shift * np.eye(channels)[y], y


@pytest.mark.parametrize("classes", [2, 3])
def test_the_gradient_vanishes_at_the_fit(classes):
    x, y = made(90, classes, seed=0)
    train = range(60)
    probe = fit_probe(x, y, train=train, val=range(60, 90), num_classes=classes)
    z = (x[:60] - x[:60].mean(0)) / x[:60].std(0)
    error = probe.probabilities(x[:60]) - np.eye(classes)[y[:60]]
    if classes == 2:  # one row of weights, the other is 0
        gradient = probe.weight[1] + probe.strength * error[:, 1] @ z
    else:
        gradient = probe.weight + probe.strength * error.T @ z
    assert np.abs(gradient).max() < 0.02 * probe.strength * 60
    assert np.abs(error.sum(0)).max() < 0.05  # the bias is not penalised


def test_validation_slides_choose_the_penalty_and_teach_nothing():
    x, y = made(60, 2, seed=1)
    options = {"train": range(30), "val": range(30, 60), "num_classes": 2}
    probe = fit_probe(x, y, **options)
    losses = []
    for strength in STRENGTHS:
        one = fit_probe_at(x, y, strength)
        losses.append(-np.log(one.probabilities(x[30:])[np.arange(30), y[30:]]).mean())
    assert probe.strength == STRENGTHS[int(np.argmin(losses))]
    noise = y.copy()
    noise[30:] = np.random.default_rng(0).permutation(y[30:])
    other = fit_probe(x, noise, **options)
    same = fit_probe_at(x, y, other.strength)
    np.testing.assert_allclose(other.weight, same.weight)


def fit_probe_at(x, y, strength):
    """Fit with one penalty to choose from."""
    import wsigraph.training.probe as room

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "STRENGTHS", (strength,))
        return fit_probe(x, y, train=range(30), val=range(30, 60), num_classes=2)


@pytest.fixture
def folder(tmp_path):
    """Sixty slides of thirty patients with a vector each, as TRIDENT writes slide-level features."""

    def write(shift, seed=2):
        x, y = made(60, 2, seed=seed, shift=shift)
        y = np.repeat(y[:30], 2)  # both slides of a patient
        x += shift * (np.eye(4)[y] - np.eye(4)[np.arange(60) % 2])
        place = tmp_path / "slide_features_made_up"
        place.mkdir(exist_ok=True)
        rows = ["slide_id,patient_id,label"]
        for i in range(60):
            with h5py.File(place / f"s{i:02d}.h5", "w") as file:
                file["features"] = x[i].astype(np.float32)
            rows.append(f"s{i:02d}.svs,p{i // 2},{'ab'[y[i]]}")
        (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
        return Cohort.from_manifest(tmp_path / "labels.csv", features=place)

    return write


def test_signal_is_found_and_noise_is_not(folder, tmp_path):
    found = probe_cohort(folder(4.0), out=tmp_path / "signal").metrics
    assert found["slide"]["auc"]["value"] > 0.9
    assert found["patient"]["auc"]["value"] >= found["slide"]["auc"]["value"] - 0.05
    chance = probe_cohort(folder(0.0), out=tmp_path / "noise").metrics["slide"]["auc"]
    assert 0.3 < chance["value"] < 0.7


def test_folds_are_those_of_train_and_each_slide_is_answered_out_of_fold(folder, tmp_path):
    cohort = folder(1.0)
    probe_cohort(cohort, out=tmp_path / "run", seed=7)
    with open(tmp_path / "run" / "predictions.csv", encoding="utf-8", newline="") as file:
        tested = {r["slide_id"]: int(r["fold"]) for r in csv.DictReader(file) if r["split"] == "test"}
    splits = make_folds(cohort.labels, cohort.patients, folds=5, seed=7)
    wanted = {cohort.slides[i].slide_id: split.fold for split in splits for i in split.test}
    assert tested == wanted
    assert len(tested) == 60


def test_the_verb_leaves_out_what_is_no_vector(folder, tmp_path, capsys):
    cohort = folder(1.0)
    with h5py.File(cohort.slides[3].path, "w") as file:
        file["features"] = np.ones((7, 4))
    ask = [
        "probe",
        tmp_path / "labels.csv",
        "--features",
        cohort.slides[0].path.parent,
        "--out",
        tmp_path / "r",
    ]
    assert command([str(word) for word in (*ask, "--json")]) == 1
    said = json.loads(capsys.readouterr().out)
    assert list(said["failed"]) == ["s03"]
    names = {"report.html", "metrics.json", "patients.csv", "thresholds.json", "join.csv", "probe.json"}
    assert names <= {file.name for file in (tmp_path / "r").iterdir()}
    assert len(json.loads((tmp_path / "r" / "probe.json").read_text())["chosen"]) == 5


def test_vectors_of_two_encoders_are_refused(folder, tmp_path):
    cohort = folder(1.0)
    with h5py.File(cohort.slides[3].path, "w") as file:
        file["features"] = np.ones(9)
    with pytest.raises(
        CohortError, match=r"expected slide vectors of one length, got 4 \('s59'\), 9 \('s03'\)"
    ):
        probe_cohort(cohort, out=tmp_path / "run")
