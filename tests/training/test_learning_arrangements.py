"""A graph network learns what only arrangement tells; a set, or the same network under controls, does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.evaluation.metrics import auc
from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.synthetic.dial import Arrangement, twin_cohort
from wsigraph.training.build import graph_builder
from wsigraph.training.control import control
from wsigraph.training.recipe import recipe

TRAIN, VAL, SLIDES = 40, 56, 136


def graphs_of(method, cohort):
    made = []
    for features, y in zip(cohort.features, cohort.labels, strict=True):
        graph = to_graph(features, graph_builder(method))
        graph = with_self_loops(graph) if method.self_loops else graph
        graph.y = torch.tensor([int(y)])
        made.append(graph)
    return made


def answers(method, cohort):
    """Of a network that was drawn and not trained: what holds for any weights holds for these."""
    model, _ = method.build(seed=1)
    with torch.no_grad():
        return np.stack([model.eval()(graph).logits[0].numpy() for graph in graphs_of(method, cohort)])


@pytest.mark.parametrize("name", ["abmil", "mean_pool", "max_pool", "clam_sb", "dsmil"])
def test_a_set_model_answers_twins_alike(name):
    cohort = [twin_cohort(kind, 1, seed=2, strength=0.7) for kind in Arrangement.registry.names()]
    method = recipe(name, in_channels=8, classes=("a", "b"))
    for pair in cohort:
        first, second = answers(method, pair)
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)
        assert pair.patients[0] == pair.patients[1]
        assert len({features.slide_id for features in pair.features}) == 2


def test_a_graph_network_does_not_and_its_edgeless_control_does():
    method, pair = recipe("gin", in_channels=8, classes=("a", "b")), twin_cohort("nesting", 1, seed=2)
    first, second = answers(method, pair)
    assert abs(first - second).max() > 1e-3
    first, second = answers(control(method, "edgeless"), pair)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)


@pytest.fixture
def learned(small, run_training, tmp_path):
    """AUC on unseen twins of a small network trained for a minute at most."""

    def run(name, arrangement, *, under=None, strength=1.0):
        method = small(name, optimiser__epochs=8)
        method = method if under is None else control(method, under, seed=1)
        graphs = graphs_of(method, twin_cohort(arrangement, SLIDES // 2, seed=4, strength=strength))
        trained = run_training(method, graphs[:TRAIN], graphs[TRAIN:VAL], tmp_path)
        with torch.no_grad():
            given = np.stack([trained.model(g).logits.softmax(-1)[0].numpy() for g in graphs[VAL:]])
        return auc(np.array([int(g.y) for g in graphs[VAL:]]), given)

    return run


@pytest.mark.slow
def test_nesting_is_learned_from_the_true_graph(learned):
    assert learned("gin", "nesting") >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("under", ["shuffled", "random_degree"])
def test_nesting_is_not_learned_from_a_graph_without_space(learned, under):
    assert learned("gin", "nesting", under=under) == pytest.approx(0.5, abs=0.2)


@pytest.mark.slow
def test_a_trained_set_model_is_at_chance_on_unseen_twins(learned):
    """Rounding may part equals, so that a pair of twins counts 0 or 1 where it should count one half."""
    assert learned("abmil", "nesting") == pytest.approx(0.5, abs=0.5 / ((SLIDES - VAL) / 2))
