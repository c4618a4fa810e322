"""Training learns what can be learned, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.evaluation.metrics import auc


def out_of_sample(small, graphs_for, run_training, folder, *, name, labels=None):
    method = small(name, optimiser__epochs=6)
    graphs = graphs_for(method, slides=110, labels=labels)
    trained = run_training(method, graphs[:40], graphs[40:50], folder)
    with torch.no_grad():
        probabilities = np.stack([trained.model(g).logits.softmax(-1)[0].numpy() for g in graphs[50:]])
    return auc(np.array([int(g.y) for g in graphs[50:]]), probabilities)


def test_where_only_arrangement_tells_the_label_srmil_learns_it(small, graphs_for, run_training, tmp_path):
    assert out_of_sample(small, graphs_for, run_training, tmp_path, name="srmil") > 0.9


def test_where_only_arrangement_tells_the_label_a_set_is_blind(small, graphs_for, run_training, tmp_path):
    score = out_of_sample(small, graphs_for, run_training, tmp_path, name="abmil")
    assert score == pytest.approx(0.5, abs=0.2)


def test_permuted_labels_teach_nothing(small, graphs_for, run_training, tmp_path):
    labels = np.random.default_rng(0).permutation(np.arange(110) % 2)
    score = out_of_sample(small, graphs_for, run_training, tmp_path, name="srmil", labels=labels)
    assert score == pytest.approx(0.5, abs=0.2)
