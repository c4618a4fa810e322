"""`wsigraph train` chooses nothing by test slides: noise on which such a choice would look perfect."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from wsigraph.cli.app import run
from wsigraph.data.patch_features import PatchFeatures
from wsigraph.io.atomic import sha256
from wsigraph.io.features import write_features
from wsigraph.training.splits import make_folds

CLASSES = ("normal", "tumour")
PATIENTS, FOLDS, EPOCHS, SEED = 12, 6, 20, 23  # some epoch ranks the test slides rightly, some wrongly


def write_noise(folder, *, flipped=(), seed=SEED):
    """Two slides of each patient, one of each class; ``flipped`` patients have them exchanged."""
    rows = ["slide_id,patient_id,label"]
    for i in range(2 * PATIENTS):
        rng = np.random.default_rng([seed, i])
        coords = np.stack([np.arange(20) % 5, np.arange(20) // 5], axis=1) * 100
        x = rng.standard_normal((20, 4)).astype(np.float32)
        sizes = {"patch_size_level0": 100.0, "patch_px": 50, "mpp": 0.5}
        features = PatchFeatures(f"s{i:02}", x, coords, encoder="synthetic", **sizes)
        write_features(folder / "features" / f"s{i:02}.h5", features)
        patient = f"p{i // 2:02}"
        rows.append(f"s{i:02},{patient},{CLASSES[(i + (patient in flipped)) % 2]}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "labels.csv"


def table(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def train(manifest, out, *, monitor):
    """The first of six folds, by the command line."""
    changes = {"optimiser.epochs": EPOCHS, "optimiser.lr": 0.01, "optimiser.schedule": "constant"}
    changes |= {"checkpoint.monitor": monitor, "checkpoint.patience": EPOCHS, "heads.bag.hidden_channels": 8}
    told = [f"--set={name}={value}" for name, value in changes.items()]
    features = ["--features", str(manifest.parent / "features"), "--device", "cpu", "--recipe", "abmil"]
    folds = ["--folds", str(FOLDS), "--fold", "0", "--classes", ",".join(CLASSES), "--out", str(out)]
    assert run(["train", str(manifest), *features, *folds, *told]) == 0
    return out / "fold_0"


def first_test_side(manifest):
    rows = table(manifest)
    labels, patients = ([row[name] for row in rows] for name in ("label", "patient_id"))
    return [rows[i] for i in make_folds(labels, patients, folds=FOLDS)[0].test]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy_auc"])
def test_choosing_epochs_on_test_would_look_perfect_and_ours_are_chance(canary, tmp_path, monitor):
    """The canary: labels of the test slides are exchanged, and an epoch that fits them is there each time.

    Choosing by test slides gives AUC 1 on both cohorts. What never saw their labels answers both alike, so
    its AUC on the two adds up to 1: chance.
    """
    from wsigraph.io.features import read_features

    manifests = {"true": write_noise(tmp_path / "true")}
    test = first_test_side(manifests["true"])
    exchanged = {row["patient_id"] for row in test}
    manifests["flipped"] = write_noise(tmp_path / "flipped", flipped=exchanged)
    assert [row["slide_id"] for row in first_test_side(manifests["flipped"])] == [r["slide_id"] for r in test]
    names = [row["slide_id"] for row in test]
    looking = canary(read_features(tmp_path / "true" / "features" / f"{name}.h5") for name in names)
    folds = {name: train(path, tmp_path / f"run_{name}", monitor=monitor) for name, path in manifests.items()}
    answers = {
        name: {r["slide_id"]: r for r in table(fold / "predictions.csv")} for name, fold in folds.items()
    }
    positive = {k: [rows[name]["label"] == "tumour" for name in names] for k, rows in answers.items()}
    assert positive["flipped"] == [not one for one in positive["true"]]
    assert {name: looking.best(truth) for name, truth in positive.items()} == {"true": 1.0, "flipped": 1.0}
    ours = {
        k: looking.auc([float(rows[n]["prob_tumour"]) for n in names], positive[k])
        for k, rows in answers.items()
    }
    assert ours["true"] + ours["flipped"] == 1.0
    for name in names:
        first, second = (answers[k][name] for k in ("true", "flipped"))
        assert first["prob_tumour"] == second["prob_tumour"]
        assert first["pred"] == second["pred"] == CLASSES[float(first["prob_tumour"]) > 0.5]  # no threshold
    kept = [
        {f.name: sha256(f) for f in fold.iterdir() if f.name != "predictions.csv"} for fold in folds.values()
    ]
    assert kept[0] == kept[1]
    assert {"model.safetensors", "log.csv", "recipe.json"} <= set(kept[0])
