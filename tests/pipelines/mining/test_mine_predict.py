"""A mined run asked about slides by their first features: each fold encodes for itself."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import wsigraph as wg
from wsigraph.errors import RunError
from wsigraph.io.tensor_file import read_tensors
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.pipelines.evaluate import evaluate_run
from wsigraph.pipelines.heatmap import heatmap_run
from wsigraph.pipelines.mine_predict import load_mined
from wsigraph.pipelines.predict import load_run, predict_files


@pytest.fixture(scope="module")
def folds(write_lesions, run_loop, settings, tmp_path_factory):
    """Two folds: the first answers by its fine-tuned encoder, the second by the first features."""
    place = tmp_path_factory.mktemp("folds")
    made = write_lesions(place, slides=12, split=False)
    parts = {"folds": 2, "settings": settings(epochs_per_round=1)}
    run_loop(made.cohort, place / "run", fold=0, accept=True, **parts)
    run_loop(made.cohort, place / "run", accept=False, **parts)
    chosen = [json.loads((place / "run" / f"fold_{i}" / "chosen.json").read_text())["round"] for i in (0, 1)]
    assert chosen == [1, 0]
    return made, place / "run"


@pytest.fixture
def new(made, tmp_path):
    """A slide that the run has never seen."""
    slide = replace(wg.read_features(made.cohort.slides[1].path), slide_id="new")
    slide = replace(slide, x=slide.x + np.float32(0.25))
    wg.write_features(tmp_path / "new.h5", slide)
    return tmp_path / "new.h5"


def answered(run):
    with open(run / "predictions.csv", encoding="utf-8", newline="") as file:
        return {row["slide_id"]: row for row in csv.DictReader(file) if row["split"] == "test"}


def test_own_slides_are_answered_by_the_fold_that_tested_them(folds):
    made, run = folds
    _, answers, failed = predict_files(run, [made.manifest.parent / "features"])
    assert failed == {}
    told = answered(run)
    assert len(answers) == len(told) == 12
    assert {row["fold"] for row in told.values()} == {"0", "1"}
    for answer in answers:
        row = told[answer.slide_id]
        assert (answer.split, answer.fold) == ("test", int(row["fold"]))
        assert answer.probabilities[1] == pytest.approx(float(row["prob_tumour"]), abs=1e-6)


def test_new_slides_get_the_mean_of_folds_that_each_encode_for_themselves(folds, new):
    _, run = folds
    _, (answer,), _ = predict_files(run, [new])
    assert (answer.split, answer.fold) == ("external", -1)
    features = wg.read_features(new)
    tensors, about = read_tensors(run / "fold_0" / "round_1" / "network.safetensors")
    network = Adapter(about["in_channels"], hidden_channels=6)
    network.load_state_dict(tensors)
    encoded = network.eval().encode(torch.from_numpy(features.x)).half().float()
    each = []
    for fold, x in (("fold_0", encoded), ("fold_1", torch.from_numpy(features.x))):
        graph = wg.to_graph(replace(features, x=x.numpy()), wg.Edgeless())
        each.append(wg.load_model(run / fold).answer(graph).probabilities.numpy())
    assert abs(each[0] - each[1]).max() > 1e-3
    np.testing.assert_allclose(answer.probabilities, np.mean(each, axis=0), atol=1e-6)


def test_an_external_cohort_is_scored_and_its_own_scores_as_the_run_did(folds, tmp_path):
    made, run = folds
    metrics, failed = evaluate_run(run, cohort=made.cohort)
    assert failed == {}
    stored = json.loads((run / "metrics.json").read_text())["slide"]
    assert metrics["slide"]["auc"]["value"] == pytest.approx(stored["auc"]["value"])
    rows = (run / "external" / "predictions.csv").read_text().splitlines()
    assert len(rows) == 13


def test_a_heatmap_shows_what_the_fold_that_tested_a_slide_looked_at(folds, tmp_path):
    made, run = folds
    name = next(name for name, row in answered(run).items() if row["fold"] == "0")
    drawn = heatmap_run(run, made.manifest.parent / "features" / f"{name}.h5", out=tmp_path / "a.png")
    model = wg.load_model(run / "fold_0")
    own = wg.read_features(run / "fold_0" / "round_1" / "features" / f"{name}.h5")
    np.testing.assert_allclose(drawn.raw, model.answer(model.graph(own)).attention, atol=1e-6)
    assert (tmp_path / "a.png").is_file()


def test_features_of_the_fold_itself_are_not_encoded_again(folds):
    made, run = folds
    fold = load_run(run / "fold_0")
    slide = next(s for s in made.cohort.slides if answered(run)[s.slide_id]["fold"] == "0")
    own = wg.read_features(run / "fold_0" / "round_1" / "features" / f"{slide.slide_id}.h5")
    first = wg.read_features(slide.path)
    torch.testing.assert_close(fold.of_slide(own).values, fold.of_slide(first).values)
    unnamed = replace(first, encoder="")
    torch.testing.assert_close(fold.of_slide(unnamed).values, fold.of_slide(first).values)


def test_other_features_and_folds_mixed_up_are_refused(folds, tmp_path):
    made, run = folds
    first = wg.read_features(made.cohort.slides[0].path)
    with pytest.raises(
        RunError, match=r"expected encoder 'adapter\(synthetic\)@.*, got 'adapter\(another\)@"
    ):
        load_mined(run).of_slide(replace(first, encoder="another"))
    with pytest.raises(RunError, match="expected folds that read the same features"):
        wg.load_model(run)
    alone = wg.load_model(run / "fold_0")
    with pytest.raises(RunError, match=r"expected encoder 'adapter\(synthetic\)@.*, got 'synthetic'"):
        alone.graph(first)
    with pytest.raises(RunError, match="expected no images, for it reads features"):
        predict_files(run, [made.cohort.slides[0].path], images=[made.cohort.slides[0].path])
    with pytest.raises(RunError, match="expected finished folds of mining, got none"):
        load_mined(tmp_path)


def test_a_run_on_pixels_reads_the_images_of_new_slides(made, on_pixels, images, tmp_path):
    run, _ = on_pixels
    told = answered(run)
    files = [s.path for s in made.cohort.slides if s.split == "test"]
    _, answers, failed = predict_files(run, files, images=[images])
    assert failed == {}
    for answer in answers:
        wanted = float(told[answer.slide_id]["prob_tumour"])
        assert answer.probabilities[1] == pytest.approx(wanted, abs=1e-6)
    _, answers, failed = predict_files(run, files)
    assert (answers, len(failed)) == ([], 4)
    assert all("expected its image, for 'resnet18' reads pixels" in reason for reason in failed.values())
    name = files[0].stem
    drawn = heatmap_run(run, files[0], slide=images / f"{name}.png", out=tmp_path / "a.png")
    model = wg.load_model(run)
    own = wg.read_features(run / "fold_0" / "round_1" / "features" / f"{name}.h5")
    np.testing.assert_allclose(drawn.raw, model.answer(model.graph(own)).attention, atol=1e-6)
