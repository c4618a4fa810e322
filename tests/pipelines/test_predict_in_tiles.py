"""Predictions of large slides in tiles: asked for from Python or the command line, the same answers."""

from __future__ import annotations

import inspect

import pytest
import torch

from wsigraph.cli.app import run
from wsigraph.io.predictions import read_predictions
from wsigraph.models.tiled import MAX_NODES
from wsigraph.pipelines.predict import load_model, predict, predict_files
from wsigraph.synthetic.features import arrangement_cohort


def test_the_same_answers_from_python(finished, cohort):
    paths = [slide.path for slide in cohort.slides[:4]]
    _, whole, _ = predict_files(finished, paths)
    _, tiled, failed = predict_files(finished, paths, max_nodes=9)
    assert not failed
    for one, other in zip(whole, tiled, strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-5)


def test_attention_of_the_mean_of_folds(finished):
    model = load_model(finished)
    graphs = [model.graph(features) for features in arrangement_cohort(3, seed=71, grid=8).features]
    assert min(graph.num_nodes for graph in graphs) > 9
    for one, other in zip(predict(model, graphs), predict(model, graphs, max_nodes=9), strict=True):
        torch.testing.assert_close(other.attention, one.attention, rtol=0, atol=1e-5)
        torch.testing.assert_close(other.probabilities, one.probabilities, rtol=0, atol=1e-5)


def test_the_same_answers_from_the_command_line(finished, cohort, tmp_path):
    files = [str(slide.path) for slide in cohort.slides[:3]]
    for name, more in (("whole", ()), ("tiled", ("--max-nodes", "9"))):
        assert run(["predict", str(finished), *files, "--out", str(tmp_path / f"{name}.csv"), *more]) == 0
    classes = load_model(finished).recipe.classes
    whole, tiled = (
        read_predictions(tmp_path / f"{name}.csv", classes=classes) for name in ("whole", "tiled")
    )
    for one, other in zip(whole, tiled, strict=True):
        assert other.probabilities == pytest.approx(one.probabilities, abs=1e-5)


def test_the_command_line_shows_the_real_default():
    from wsigraph.cli.predict import predict as verb

    assert inspect.signature(verb).parameters["max_nodes"].default == MAX_NODES
