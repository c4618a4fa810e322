"""Training with every sampler: the steps are the sampler's, and resumed equals uninterrupted, bit for bit."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from wsigraph.errors import CohortError, RecipeError
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import Recipe

LABELS = [0] * 7 + [1] * 3 + [0, 1]

CHANGES = {
    "shuffled": {},
    "balanced": {"sampler__name": "balanced", "terms__ce__class_weights": "balanced"},
    "pairs": {"sampler__name": "pairs", "terms__ce__name": "logit_adjusted"},
    "contrastive": {"sampler__name": "contrastive", "sampler__slides_per_step": 5},
    "windows": {"sampler__name": "balanced", "sampler__window_patches": 20, "sampler__slides_per_step": 3},
}


class KilledError(Exception):
    """Stands for a kill between two epochs."""


@pytest.fixture(scope="module")
def data(small, graphs_for):
    graphs = graphs_for(small("abmil"), slides=len(LABELS), labels=LABELS, grid=8)
    return graphs[:10], graphs[10:]


@pytest.fixture
def seen(monkeypatch):
    """Slides of each training step."""
    steps = []
    real = MILModule.training_step
    watched = lambda self, batch, index: steps.append(list(batch.slide_id)) or real(self, batch, index)  # noqa: E731
    monkeypatch.setattr(MILModule, "training_step", watched)
    return steps


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("name", CHANGES)
def test_resumed_equals_uninterrupted(small, data, run_training, *, tmp_path, seen, name, workers):
    method = small("abmil", optimiser__epochs=3, **CHANGES[name])
    straight = run_training(method, *data, tmp_path / "straight", workers=workers)
    in_one_go = list(seen)
    rows = []

    def listen(row):
        rows.append(row)
        if len(rows) == 2:
            raise KilledError

    with pytest.raises(KilledError):
        run_training(method, *data, tmp_path / "killed", listen=listen, workers=workers)
    torch.rand(11)  # other draws in between do not matter
    seen.clear()
    resumed = run_training(method, *data, tmp_path / "killed", workers=workers)
    assert seen == in_one_go[len(in_one_go) // 3 :]  # one epoch was done, its successor is begun again
    assert straight.history == resumed.history
    one, other = straight.module.state_dict(), resumed.module.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_resumed_run_has_the_frequencies_of_its_checkpoint(small, data, run_training, tmp_path):
    method = small("abmil", optimiser__epochs=2, terms__ce__class_weights="balanced")
    straight = run_training(method, *data, tmp_path)
    model, objectives = method.build(seed=1)
    unseen = MILModule(model, objectives, recipe=method, seed=0)
    again = run_training(method, *data, tmp_path, module=unseen)
    assert again.module.objectives.terms["ce"].seen.counts.tolist() == [7, 3]
    assert again.history == straight.history


def classes_of(steps, graphs):
    classes = {graph.slide_id: int(graph.y) for graph in graphs}
    return [[classes[slide] for slide in step] for step in steps]


def test_the_model_is_trained_on_the_steps_of_the_sampler(small, data, run_training, tmp_path, seen):
    run_training(small("abmil", optimiser__epochs=1, **CHANGES["pairs"]), *data, tmp_path / "pairs")
    assert classes_of(seen, data[0]) == [[1, 0]] * 7
    seen.clear()
    run_training(small("abmil", optimiser__epochs=1, **CHANGES["balanced"]), *data, tmp_path / "balanced")
    assert Counter(c for step in classes_of(seen, data[0]) for c in step) == {0: 5, 1: 5}


def test_balanced_weights_change_what_is_learned(small, data, run_training, tmp_path):
    logs = [
        run_training(small("abmil", optimiser__epochs=1, **changes), *data, tmp_path / str(i)).history
        for i, changes in enumerate(
            [{}, {"terms__ce__class_weights": "balanced"}, {"terms__ce__name": "logit_adjusted"}]
        )
    ]
    assert len({row["train_ce"] for (row,) in logs}) == 3
    assert len({row["val_loss"] for (row,) in logs}) == 3  # of the plain logits, after other steps


def test_one_class_of_training_slides_is_refused_before_training(small, data, run_training, tmp_path, seen):
    ones = [graph for graph in data[0] if int(graph.y) == 1]
    with pytest.raises(CohortError, match="Sampler 'pairs': expected training slides of at least 2 classes"):
        run_training(small("abmil", sampler__name="pairs"), ones, data[1], tmp_path)
    assert seen == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "balance"}, "Registry 'sampler': expected one of .*'balance'. Did you mean 'balanced'"),
        ({"positives": 3}, r"sampler 'shuffled': expected options among .*got \['positives'\]"),
        ({"name": "contrastive", "slides_per_step": 8, "positives": 1}, "positives of at least 2"),
        ({"name": "contrastive"}, "slides_per_step of at least 4 .*got 1"),
        ({"name": "pairs", "slides_per_step": 1}, "slides_per_step 2 .*got 1"),
    ],
)
def test_samplers_that_cannot_be_are_refused_when_the_recipe_is_built(small, changes, sentence):
    plain = small("abmil", sampler__slides_per_step=1).to_dict()
    method = Recipe.from_dict({**plain, "sampler": {**plain["sampler"], **changes}})
    with pytest.raises(RecipeError, match=sentence):
        method.build()


def test_label_free_pretraining_takes_no_sampler_that_reads_classes(small):
    with pytest.raises(RecipeError, match="expected a sampler that reads no classes, got 'balanced'"):
        small("srmil_pretrain", sampler__name="balanced")


def test_a_recipe_from_before_samplers_had_names_is_shuffled(small):
    values = small("abmil").to_dict()
    del values["sampler"]["name"]
    assert Recipe.from_dict(values) == small("abmil")
