"""Predictions: out of fold for own slides, the mean elsewhere; features that do not fit are refused."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
import torch

import wsigraph as wg
from wsigraph.errors import RunError
from wsigraph.pipelines.predict import load_model, predict, predict_files
from wsigraph.synthetic.features import arrangement_cohort


@pytest.fixture(scope="module")
def new_slide():
    return replace(arrangement_cohort(2, seed=77, grid=8).features[1], slide_id="new")


@pytest.fixture
def new_file(new_slide, tmp_path):
    wg.write_features(tmp_path / "new.h5", new_slide)
    return tmp_path / "new.h5"


def rows_of(run):
    with open(run / "predictions.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_own_slides_are_answered_by_the_fold_that_tested_them(finished, cohort):
    _, answers, failed = predict_files(finished, [s.path for s in cohort.slides])
    assert failed == {}
    tested = {r["slide_id"]: r for r in rows_of(finished) if r["split"] == "test"}
    for answer in answers:
        row = tested[answer.slide_id]
        assert (answer.split, answer.fold) == ("test", int(row["fold"]))
        wanted = (float(row["prob_clustered"]), float(row["prob_scattered"]))
        assert answer.probabilities == pytest.approx(wanted, abs=1e-6)


def test_a_slide_is_known_by_its_file_whatever_name_the_file_states(finished, cohort, tmp_path):
    """Features encoded under another name still are the run's own slide, and must not meet all folds."""
    copy = tmp_path / cohort.slides[0].path.name
    stated = replace(wg.read_features(cohort.slides[0].path), slide_id="slide.svs")
    wg.write_features(copy, stated)
    _, (answer,), _ = predict_files(finished, [copy])
    assert (answer.slide_id, answer.split) == (cohort.slides[0].slide_id, "test")


def test_other_slides_get_the_mean_probability_of_the_folds(finished, new_file):
    _, (answer,), _ = predict_files(finished, [new_file])
    assert (answer.split, answer.fold) == ("external", -1)
    each = []
    for fold in ("fold_0", "fold_1"):
        model = load_model(finished / fold)
        each.append(model.answer(model.graph(wg.read_features(new_file))).probabilities)
    assert not torch.allclose(each[0], each[1])
    assert answer.probabilities == pytest.approx(torch.stack(each).mean(0).tolist(), abs=1e-6)


def test_one_fold_answers_alone(finished, new_file):
    _, (answer,), _ = predict_files(finished / "fold_1", [new_file])
    model = load_model(finished / "fold_1")
    wanted = model.answer(model.graph(wg.read_features(new_file))).probabilities
    assert answer.probabilities == pytest.approx(wanted.tolist(), abs=1e-6)


def test_attention_is_a_distribution_over_patches(finished, new_slide):
    model = load_model(finished)
    answer = model.answer(model.graph(new_slide))
    assert answer.attention.shape == (len(new_slide),)
    assert answer.attention.sum().item() == pytest.approx(1.0, abs=1e-5)


def test_predict_takes_graphs_of_the_same_builder_with_or_without_the_model(finished, new_slide):
    model = load_model(finished)
    mine, ours = predict(model, [wg.to_graph(new_slide, wg.KNN(k=8)), model.graph(new_slide)])
    assert torch.equal(mine.probabilities, ours.probabilities)


def test_the_order_of_rows_in_the_file_does_not_matter(finished, new_slide):
    model = load_model(finished)
    turned = replace(new_slide, x=new_slide.x[::-1].copy(), coords=new_slide.coords[::-1].copy())
    one, other = predict(model, [model.graph(new_slide), model.graph(turned)])
    torch.testing.assert_close(one.probabilities, other.probabilities, rtol=0, atol=1e-6)
    torch.testing.assert_close(one.attention, other.attention.flip(0), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"encoder": "resnet"},
            "Slide 'new': expected encoder 'synthetic', got 'resnet'. Encode the slide as",
        ),
        ({"patch_px": 224}, "expected patches of 256 px, got 224 px"),
        ({"target_mpp": 0.25}, "expected patches at 0.5 um/px, got 0.25 um/px"),
        ({"x": None}, "expected 8 channels, got 5"),
    ],
)
def test_features_from_elsewhere_are_refused(finished, new_slide, change, sentence):
    change = {"x": new_slide.x[:, :5]} if "x" in change else change
    with pytest.raises(RunError, match=sentence):
        load_model(finished).graph(replace(new_slide, **change))


def test_a_resolution_within_five_percent_is_the_same(finished, new_slide):
    assert load_model(finished).graph(replace(new_slide, target_mpp=0.51)).num_nodes == len(new_slide)


def test_a_graph_built_otherwise_is_refused(finished, new_slide):
    graph = wg.to_graph(new_slide, wg.KNN(k=4))
    with pytest.raises(
        RunError, match=r"Graph of slide 'new': expected a graph built by .*8.*got one built by .*4"
    ):
        predict(load_model(finished), [graph])


def test_a_bad_file_is_named_and_the_rest_goes_on(finished, new_file, tmp_path):
    (tmp_path / "broken.h5").write_bytes(b"no HDF5")
    _, answers, failed = predict_files(finished, [tmp_path])
    assert [a.slide_id for a in answers] == ["new"]
    assert list(failed) == [str(tmp_path / "broken.h5")]


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(
        RunError, match=r"expected a folder with model.safetensors or folders fold_<i>, got neither"
    ):
        load_model(tmp_path)


def test_rows_that_come_in_no_order_are_answered_in_theirs(finished, new_slide, monkeypatch):
    model = load_model(finished / "fold_0")
    order = torch.randperm(len(new_slide), generator=torch.Generator().manual_seed(0)).numpy()
    shuffled = replace(new_slide, x=new_slide.x[order], coords=new_slide.coords[order])
    plain = model.answer(model.graph(new_slide))
    monkeypatch.setattr("wsigraph.data.order.LEAST_NODES", 1)
    answer = model.answer(model.graph(shuffled))
    torch.testing.assert_close(answer.probabilities, plain.probabilities, rtol=0, atol=1e-6)
    torch.testing.assert_close(answer.attention, plain.attention[torch.from_numpy(order)], rtol=0, atol=1e-6)
