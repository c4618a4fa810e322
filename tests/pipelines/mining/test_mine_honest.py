"""No selection on test, anywhere: a cohort of noise on which choosing by test slides would look perfect."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from wsigraph.errors import LeakError
from wsigraph.io.features import read_features
from wsigraph.io.tensor_file import read_tensors
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.pipelines.mine_stages import hash_of

EPOCHS = 8
SEED = 22  # some epoch ranks the four test slides rightly, some wrongly
CHOICES = ("network.safetensors", "contrast.safetensors", "mining.json", "judged.json", "scores.safetensors")


def table(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def decisions(run, test):
    """Hash of every file of a fold that trains, mines or chooses, but for answers to test slides."""
    fold, answered = run / "fold_0", ("predictions.csv", "stages.json")
    files = (p for p in fold.rglob("*") if p.is_file() and p.stem not in test and p.name not in answered)
    return {p.relative_to(fold).as_posix(): hash_of(p) for p in files}


def answers(run):
    rows = {row["slide_id"]: row for row in table(run / "predictions.csv")}
    return [{name: row for name, row in rows.items() if row["split"] == side} for side in ("test", "val")]


@pytest.fixture
def long_loop(small, settings):
    """Many epochs to choose from."""
    plain = {"optimiser__epochs": EPOCHS, "optimiser__schedule": "constant", "checkpoint__patience": EPOCHS}
    return small(**plain), settings(rounds=2, epochs_per_round=1)


@pytest.fixture
def noise(write_lesions, tmp_path):
    """Features that say nothing; four test slides, two of each label, and the same with labels exchanged."""
    return {
        name: write_lesions(tmp_path / name, seed=SEED, shift=0.0, flip=flip)
        for name, flip in {"true": (), "flipped": ("test",)}.items()
    }


def latest_encoding(run):
    """What a network reads while the loop runs: the features of the last round that was fine-tuned."""

    def encode(features):
        files = sorted(run.glob("fold_0/round_*/network.safetensors"))
        if not files:
            return features
        tensors, about = read_tensors(files[-1])
        network = Adapter(about["in_channels"], hidden_channels=6)
        network.load_state_dict(tensors)
        x = network.eval().encode(torch.from_numpy(features.x).float())
        return replace(features, x=x.half().float().numpy())

    return encode


def test_choosing_on_test_would_look_perfect_and_honest_choices_are_chance(
    noise, run_loop, long_loop, canary, tmp_path
):
    """The canary: labels of the test slides are exchanged, and an epoch that fits them is there each time.

    Choosing among all epochs of all rounds by test slides gives AUC 1 on both cohorts. What never saw their
    labels answers both alike, so its AUC on the two adds up to 1: chance.
    """
    method, loops = long_loop
    runs = {name: tmp_path / f"run_{name}" for name in noise}
    names = [s.slide_id for s in noise["true"].cohort.slides if s.split == "test"]
    features = noise["true"].manifest.parent / "features"
    slides = [read_features(features / f"{name}.h5") for name in names]
    looking = canary(slides, encode=latest_encoding(runs["true"]))
    run_loop(noise["true"].cohort, runs["true"], method=method, settings=loops)
    assert len(looking.said) == 3 * EPOCHS
    run_loop(noise["flipped"].cohort, runs["flipped"], method=method, settings=loops)
    rows = {name: answers(run)[0] for name, run in runs.items()}
    positive = {name: [found[s]["label"] == "tumour" for s in names] for name, found in rows.items()}
    assert positive["flipped"] == [not label for label in positive["true"]]
    assert {name: looking.best(truth) for name, truth in positive.items()} == {"true": 1.0, "flipped": 1.0}
    honest = {
        k: looking.auc([float(found[s]["prob_tumour"]) for s in names], positive[k])
        for k, found in rows.items()
    }
    assert honest["true"] + honest["flipped"] == 1.0
    told = [json.loads((run / "metrics.json").read_text())["slide"]["auc"]["value"] for run in runs.values()]
    assert told == pytest.approx(list(honest.values()))


def test_labels_of_test_slides_change_no_choice_and_no_answer(noise, run_loop, settings, tmp_path):
    runs = [tmp_path / f"run_{name}" for name in noise]
    for made, run in zip(noise.values(), runs, strict=True):
        run_loop(made.cohort, run, settings=settings(rounds=2, epochs_per_round=1))
    first, second = (decisions(run, ()) for run in runs)
    assert first == second  # epochs, thresholds, refreshes, rounds, statistics, weights
    assert {path.rpartition("/")[2] for path in first} >= set(CHOICES)
    ours, theirs = (answers(run)[0] for run in runs)
    for name, row in ours.items():
        assert row["label"] != theirs[name]["label"]
        assert {k: row[k] for k in ("pred", "prob_tumour")} == {
            k: theirs[name][k] for k in ("pred", "prob_tumour")
        }
        assert row["pred"] == (
            "tumour" if float(row["prob_tumour"]) > 0.5 else "normal"
        )  # no chosen threshold


def test_features_of_test_slides_change_no_choice(write_lesions, run_loop, settings, tmp_path):
    runs, test = [tmp_path / "a", tmp_path / "b"], {}
    for run, other in zip(runs, ((), ("test",)), strict=True):
        made = write_lesions(tmp_path / f"made_{run.name}", seed=3, shift=1.0, other=other)
        run_loop(made.cohort, run, settings=settings(rounds=2, epochs_per_round=1))
        test = {s.slide_id for s in made.cohort.slides if s.split == "test"}
    first, second = (decisions(run, test) for run in runs)
    assert first == second
    ours, theirs = (answers(run) for run in runs)
    assert ours[1] == theirs[1]
    assert all(ours[0][name]["prob_tumour"] != theirs[0][name]["prob_tumour"] for name in test)


def test_validation_slides_enter_neither_mining_nor_contrast_nor_statistics(
    write_lesions, run_loop, small, tmp_path
):
    method = small(checkpoint__monitor="last")  # so that the validation slides choose no epoch either
    runs = [tmp_path / "a", tmp_path / "b"]
    for run, other in zip(runs, ((), ("val",)), strict=True):
        made = write_lesions(tmp_path / f"made_{run.name}", seed=3, shift=1.0, other=other)
        run_loop(made.cohort, run, method=method)
    for name in (
        "round_1/mining.json",
        "round_1/network.safetensors",
        "round_0/classifier/model.safetensors",
    ):
        first, second = (hash_of(run / "fold_0" / name) for run in runs)
        assert first == second, name
    val = next(s.slide_id for s in made.cohort.slides if s.split == "val")
    first, second = (read_features(run / "fold_0" / "round_1" / "features" / f"{val}.h5").x for run in runs)
    assert not np.array_equal(first, second)  # they are encoded like any slide
    scored = json.loads((runs[0] / "fold_0" / "round_1" / "mining.json").read_text())
    counts = scored["epochs"][0]["classes"]["tumour"]
    assert sum(counts["positive_scores"]["counts"]) + sum(counts["negative_scores"]["counts"]) == 12 * 20


def test_slides_of_one_patient_on_two_sides_are_refused(made, run_loop, tmp_path):
    cohort = made.cohort
    slides = tuple(
        replace(s, patient_id="one" if i in (0, 8) else s.patient_id) for i, s in enumerate(cohort.slides)
    )
    with pytest.raises(LeakError, match="patient 'one' in train and test"):
        run_loop(replace(cohort, slides=slides), tmp_path)
