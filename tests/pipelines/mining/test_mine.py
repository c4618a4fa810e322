"""The loop from manifest to report: what it writes, learns and refuses, on one split and on folds."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

import wsigraph as wg
from wsigraph.errors import CohortError, RecipeError, RunError
from wsigraph.io.tensor_file import read_tensors
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.pipelines.mine_scores import read_scores


def table(file):
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def read(file):
    return json.loads(file.read_text(encoding="utf-8"))


class Heard:
    """A reporter that remembers what was said."""

    def __init__(self):
        self.said = []

    def start(self, task, total):
        pass

    def advance(self, task, steps=1):
        pass

    def finish(self, task):
        pass

    def say(self, text):
        self.said.append(text)


def test_the_run_folder_holds_what_train_writes_and_every_round(finished):
    there = {f.name for f in finished.iterdir()}
    assert {"run.json", "predictions.csv", "patients.csv", "metrics.json", "log.csv", "report.html"} <= there
    fold = finished / "fold_0"
    assert {"model.safetensors", "recipe.json", "rounds.csv", "chosen.json", "stages.json"} <= {
        f.name for f in fold.iterdir()
    }
    assert {"classifier", "scores.safetensors", "judged.json"} == {
        f.name for f in (fold / "round_0").iterdir()
    }
    of_round = {"mining.json", "network.safetensors", "contrast.safetensors", "contrast.csv", "features"}
    assert of_round < {f.name for f in (fold / "round_1").iterdir()}
    assert not [f for f in finished.rglob("*") if ".tmp" in f.name or f.name == "mined.npy"]
    record = read(finished / "run.json")
    assert record["plan"]["kind"] == "mining"
    assert record["plan"]["reads"] == "features"
    assert record["plan"]["settings"]["ratio"] == 0.1


def test_every_test_slide_is_answered_once_and_validation_slides_stand_apart(finished, made):
    rows = table(finished / "predictions.csv")
    sides = {slide.slide_id: slide.split for slide in made.cohort.slides}
    assert {row["slide_id"]: row["split"] for row in rows} == {k: v for k, v in sides.items() if v != "train"}
    assert read(finished / "metrics.json")["counts"]["slides"] == 4


def test_every_stage_has_a_hash_of_its_files(finished):
    stages = read(finished / "fold_0" / "stages.json")
    rounds = ["classify", "judge"]
    wanted = [f"round 0: {s}" for s in rounds] + [
        f"round 1: {s}" for s in ("mine", "contrast", "encode", *rounds)
    ]
    assert list(stages)[:7] == wanted
    assert len(stages["round 1: encode"]) == 16  # training and validation slides
    assert all(len(digest) == 64 for files in stages.values() for digest in files.values())


def test_what_was_mined_is_in_the_log(finished, made):
    log = read(finished / "fold_0" / "round_1" / "mining.json")
    scores = read_scores(finished / "fold_0" / "round_0" / "scores.safetensors")
    assert [row["epoch"] for row in log["epochs"]] == [0, 1]
    negative = np.concatenate(
        [s[:, 0] for s, label in zip(scores.scores, scores.labels, strict=True) if not label]
    )
    for row in log["epochs"]:
        record = row["classes"]["tumour"]
        assert row["negatives"] == int(np.ceil(0.1 * len(negative))) == 12
        assert record["tiers"][0]["threshold"] == np.sort(negative)[-12]
        assert sum(record["negative_scores"]["counts"]) == len(negative)
        assert record["positives"]["taken"] == row["positives"]
    shares = [row["classes"]["tumour"]["share"] for row in log["epochs"]]
    assert shares == pytest.approx([0.2, 0.8])
    assert set(scores.slides) == {s.slide_id for s in made.cohort.slides if s.split == "train"}


def test_scores_stand_in_the_order_of_the_feature_file(finished, made, small):
    scores = read_scores(finished / "fold_0" / "round_0" / "scores.safetensors")
    model = wg.load_model(finished / "fold_0" / "round_0" / "classifier").networks[0]
    slide = next(s for s in made.cohort.slides if s.slide_id == scores.slides[1])
    x = torch.from_numpy(wg.read_features(slide.path).x)
    with torch.no_grad():
        wanted = model.heads["bag"].instance(model.standardise(x)).sigmoid()
    np.testing.assert_allclose(scores.scores[1], wanted.numpy(), atol=1e-6)


def test_new_features_are_the_adapter_on_the_old_and_say_so(finished, made):
    fold = finished / "fold_0" / "round_1"
    tensors, about = read_tensors(fold / "network.safetensors")
    network = Adapter(about["in_channels"], hidden_channels=6)
    network.load_state_dict(tensors)
    slide = made.cohort.slides[0]
    old, new = wg.read_features(slide.path), wg.read_features(fold / "features" / f"{slide.slide_id}.h5")
    wanted = network.eval().encode(torch.from_numpy(old.x)).numpy()
    np.testing.assert_allclose(new.x, wanted, atol=2e-3)  # stored in half precision
    assert (new.coords == old.coords).all()
    assert new.encoder.startswith("adapter(synthetic)@")
    assert new.patch_size_level0 == old.patch_size_level0
    assert read(finished / "fold_0" / "recipe.json")["features"]["encoder"] in (new.encoder, "synthetic")


def test_the_adapter_is_standardised_by_training_slides_alone(finished, made):
    mean = read_tensors(finished / "fold_0" / "round_1" / "network.safetensors")[0]["standardise.mean"]
    train = [s for s in made.cohort.slides if s.split == "train"]
    x = np.concatenate([wg.read_features(s.path).x.astype(float) for s in train])
    np.testing.assert_allclose(mean, x.mean(0), atol=1e-6)


def test_labels_are_refreshed_only_where_validation_did_not_fall(
    made, run_loop, settings, tmp_path, monkeypatch
):
    given = iter([0.6, 0.9, 0.7, 0.9])
    monkeypatch.setattr("wsigraph.pipelines.mine_fold.validation_score", lambda *a, **k: next(given))
    run_loop(made.cohort, tmp_path, settings=settings(rounds=3, epochs_per_round=1))
    rows = table(tmp_path / "fold_0" / "rounds.csv")
    assert [row["accepted"] for row in rows] == ["1", "1", "0", "1"]
    assert [row["labels_from_round"] for row in rows] == ["0", "1", "1", "3"]
    used = [read(tmp_path / "fold_0" / f"round_{r}" / "mining.json")["labels_from_round"] for r in (1, 2, 3)]
    assert used == [0, 1, 1]  # round 3 still mines by round 1, whose scores are the best so far
    chosen = read(tmp_path / "fold_0" / "chosen.json")
    assert chosen == {"round": 3, "encoder": "round_3/network.safetensors"}
    weights = [tmp_path / "fold_0" / place / "model.safetensors" for place in ("", "round_3/classifier")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    tested = [f.name for f in (tmp_path / "fold_0" / "round_3" / "features").iterdir()]
    assert len(tested) == 20  # test slides are encoded by the round that answers them, and by no other
    assert len(list((tmp_path / "fold_0" / "round_1" / "features").iterdir())) == 16


def test_folds_by_patient_where_the_manifest_brings_no_split(write_lesions, run_loop, settings, tmp_path):
    made = write_lesions(tmp_path, slides=12, split=False)
    heard = Heard()
    parts = {"folds": 2, "settings": settings(epochs_per_round=1), "reporter": heard}
    first = run_loop(made.cohort, tmp_path / "run", fold=1, **parts)
    assert first.metrics == {}
    done = run_loop(made.cohort, tmp_path / "run", **parts)
    rows = [r for r in table(tmp_path / "run" / "predictions.csv") if r["split"] == "test"]
    assert sorted(r["slide_id"] for r in rows) == [s.slide_id for s in made.cohort.slides]
    assert {r["fold"] for r in rows} == {"0", "1"}
    assert set(read(tmp_path / "run" / "mining.json")["folds"]) == {"fold_0", "fold_1"}
    assert done.metrics["slide"]["auc"]["value"] is not None
    said = next(text for text in heard.said if "will write" in text)
    assert "mining with 'adapter' on features: will write up to" in said
    with pytest.raises(RunError, match="Mining: expected a fold from 0 to 1, got 2"):
        run_loop(made.cohort, tmp_path / "run", fold=2, **parts)
    with pytest.raises(RunError, match=r"plan.settings.epochs_per_round is 1 there and 2 here"):
        run_loop(made.cohort, tmp_path / "run", folds=2, settings=settings())


def test_it_says_what_it_will_write_and_refuses_a_disk_without_room(made, run_loop, tmp_path, monkeypatch):
    monkeypatch.setattr("wsigraph.pipelines.mine_disk.free_bytes", lambda path: 1000)
    with pytest.raises(RunError, match=r"expected room for [0-9.]+ KB, got 1000 B\. Choose another --out"):
        run_loop(made.cohort, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_said_is_what_is_written(finished, made, small, settings):
    from wsigraph.pipelines.cohort_graphs import prepare
    from wsigraph.pipelines.mine_disk import bytes_of_fold
    from wsigraph.pipelines.mine_job import MineJob
    from wsigraph.pipelines.mine_sources import FeatureRows
    from wsigraph.pipelines.reporter import Silent
    from wsigraph.training.fit_loop import TrainerOptions
    from wsigraph.training.official_split import official_split

    method, cohort, store = prepare(small(), made.cohort, Silent())
    sides = [slide.split for slide in cohort.slides]
    split = official_split(sides, cohort.labels, cohort.patients, seed=0)
    job = MineJob(
        method, cohort, store, FeatureRows(), settings(), split, finished, 0, TrainerOptions(), Silent()
    )
    said = bytes_of_fold(job)
    fold = finished / "fold_0"
    tensors = lambda names: sum((fold / name).stat().st_size for name in names)  # noqa: E731
    networks = tensors(["round_1/network.safetensors", "round_1/contrast.safetensors"])
    assert networks / 3 < said["encoders"] < 4 * networks
    rows = sum(wg.read_features(f).x.nbytes + 320 for f in (fold / "round_1" / "features").iterdir())
    assert said["features"] == pytest.approx(rows, rel=0.01)


def test_a_recipe_or_task_that_cannot_be_mined_is_refused(made, run_loop, tmp_path):
    plain = wg.recipe("dsmil", in_channels=4, classes=("normal", "tumour"))
    with pytest.raises(RecipeError, match="expected a term 'max_instance', whose patch scores can be mined"):
        run_loop(made.cohort, tmp_path, method=plain)


def test_slides_of_one_class_are_refused(made, run_loop, tmp_path):
    normal = [i for i, slide in enumerate(made.cohort.slides) if slide.label == "normal"]
    with pytest.raises(CohortError, match=r"training slides of at least 2 classes|Term 'ranking'"):
        run_loop(made.cohort.subset(normal), tmp_path)


def test_no_sure_patch_is_refused_with_what_to_do(made, run_loop, settings, tmp_path):
    with pytest.raises(CohortError, match=r"got 0 positive and 12 negative ones\..*lower the floor"):
        run_loop(made.cohort, tmp_path, settings=settings(floor=0.9999))


def test_images_for_a_network_that_reads_features_and_none_for_pixels(made, run_loop, settings, tmp_path):
    with pytest.raises(RecipeError, match="expected no images, for 'adapter' reads features"):
        run_loop(made.cohort, tmp_path, images=tmp_path)
    with pytest.raises(RecipeError, match="expected images, for 'resnet18' reads pixels, got none"):
        run_loop(made.cohort, tmp_path, settings=settings().with_changes({"network": "resnet18"}))


def test_any_encoder_is_mined_by(made, run_loop, small, tmp_path):
    gat = {"encoder": {"name": "gat", "hidden_channels": 4, "heads": 1}, "graph": {"name": "knn", "k": 4}}
    method = small().with_settings({**gat, "self_loops": True, "optimiser.epochs": 1})
    result = run_loop(made.cohort, tmp_path, method=method)
    assert result.metrics["slide"]["accuracy"]["value"] is not None
    assert read(tmp_path / "fold_0" / "recipe.json")["encoder"]["name"] == "gat"
