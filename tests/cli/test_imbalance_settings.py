"""Samplers and class weights are reached from the command line, and refused there in a sentence."""

from __future__ import annotations

import json

import pytest

QUICK = (
    *("--folds", "2", "--device", "cpu"),
    *("--set", "optimiser.epochs=1", "--set", "encoder.hidden_channels=8"),
)


@pytest.fixture
def train(wsigraph, feature_folder):
    """Train abmil with settings ``name=value``."""

    def run(*settings):
        chosen = [part for setting in settings for part in ("--set", setting)]
        manifest, features = feature_folder / "labels.csv", feature_folder / "features"
        out = feature_folder / "run"
        return wsigraph(
            "train", manifest, "--features", features, "--recipe", "abmil", "--out", out, *QUICK, *chosen
        )

    return run


@pytest.mark.parametrize(
    ("settings", "sampler", "term"),
    [
        (
            ["sampler.name=balanced", "terms.ce.class_weights=balanced"],
            {"name": "balanced"},
            {"name": "cross_entropy", "class_weights": "balanced"},
        ),
        (
            ["sampler.name=pairs", "sampler.slides_per_step=2", "terms.ce.class_weights=[1, 2.5]"],
            {"name": "pairs", "slides_per_step": 2},
            {"name": "cross_entropy", "class_weights": [1, 2.5]},
        ),
        (
            [
                *("sampler.name=contrastive", "sampler.slides_per_step=6", "sampler.positives=3"),
                *("terms.ce.name=logit_adjusted", "terms.ce.tau=0.5"),
            ],
            {"name": "contrastive", "slides_per_step": 6, "positives": 3},
            {"name": "logit_adjusted", "tau": 0.5},
        ),
    ],
)
def test_settings_reach_training_and_its_record(train, feature_folder, settings, sampler, term):
    left = train(*settings)
    assert left.code == 0, left.err
    recipe = json.loads((feature_folder / "run" / "run.json").read_text())["recipe"]
    assert recipe["sampler"].items() >= sampler.items()
    assert recipe["terms"]["ce"].items() >= term.items()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["sampler.name=balance"], "Did you mean 'balanced'?"),
        (["sampler.name=pairs"], "got 1. Set sampler.slides_per_step=2."),
        (["sampler.name=contrastive"], "expected slides_per_step of at least 4"),
        (["sampler.positives=3"], "sampler 'shuffled': expected options among"),
        (["terms.ce.class_weights=[1]"], "expected class_weights 'none', 'balanced' or 2 numbers"),
        (["terms.ce.name=logit_adjusted", "terms.ce.tau=-1"], "expected a finite tau from 0 on, got -1"),
    ],
)
def test_what_cannot_be_is_wrong_use(train, settings, sentence):
    left = train(*settings)
    assert left.code == 2
    assert sentence in " ".join(left.err.split())
