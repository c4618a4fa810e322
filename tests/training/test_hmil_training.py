"""HMIL trained on a synthetic cohort: signal is found, coarse labels help, a queue resumes bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.graph.build import to_graph
from wsigraph.io.checkpoints import AtomicCheckpoints, load_checkpoint
from wsigraph.synthetic.hierarchy import tree_cohort
from wsigraph.synthetic.tree_signal import SetSignal
from wsigraph.training.build import graph_builder
from wsigraph.training.fit_loop import TrainerOptions, train
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import recipe

DEEP = tree_from_dict(
    {"x": {"x1": ("a", "b"), "x2": ("c", "d")}, "y": {"y1": ("e", "f")}}, levels=("top", "mid", "leaf")
)
SMALL = {
    "encoder.hidden_channels": 16,
    "heads.fine.embed_channels": 16,
    "heads.coarse.hidden_channels": 16,
    "optimiser.lr": 3e-3,
    "optimiser.epochs": 16,
    "sampler.slides_per_step": 4,
}


class KilledError(Exception):
    """Stands for a kill between two epochs."""


class Labelled(list):
    @property
    def targets(self):
        return [graph.y[0].tolist() for graph in self]


def graphs(slides, *, tree=None, seed=0, coarse_only=0.0):
    signal = SetSignal(strength=8.0, siblings=1.0, variation=0.1, grid=8)
    cohort = tree_cohort(slides, seed=seed, signal=signal, tree=tree, coarse_only=coarse_only)
    method = recipe("hmil", in_channels=16, task=Hierarchy(cohort.tree)).with_settings(SMALL)
    made = Labelled()
    for features, labels in zip(cohort.features, cohort.labels, strict=True):
        graph = to_graph(features, graph_builder(method))
        graph.y = torch.tensor(np.array([labels]), dtype=torch.float64)
        made.append(graph)
    return method, made


def run(method, train_graphs, val_graphs, folder, *, listen=lambda row: None, seed=0):
    model, objectives = method.build(seed=seed)
    module = MILModule(model, objectives, recipe=method, seed=seed)
    best = train(
        module,
        train_graphs=train_graphs,
        val_graphs=val_graphs,
        folder=folder,
        checkpoint_io=AtomicCheckpoints(),
        options=TrainerOptions(device="cpu"),
        listen=listen,
    )
    module.load_state_dict(load_checkpoint(best)["state_dict"])
    return module


def accuracy(module, graphs, head, level):
    model = module.model.eval()
    with torch.no_grad():
        said = [int(model(graph).head(head).logits.argmax()) for graph in graphs]
    return np.mean([a == int(graph.y[0, level]) for a, graph in zip(said, graphs, strict=True)])


@pytest.mark.parametrize("name", ["hmil", "hmil_code"])
def test_groups_and_siblings_are_learned(name, tmp_path):
    method, made = graphs(84)
    if name == "hmil_code":
        method = recipe(name, in_channels=16, task=method.make_task()).with_settings(SMALL)
    module = run(method, Labelled(made[:56]), made[56:], tmp_path)
    assert accuracy(module, made[56:], "coarse", 0) > 0.9
    assert accuracy(module, made[56:], "fine", 1) > 0.5  # chance is 1 in 7
    last = module.history[-1]
    assert last["train_ce_fine"] < 0.5 * module.history[0]["train_ce_fine"]


def test_three_levels_are_learned(tmp_path):
    method, made = graphs(72, tree=DEEP)
    module = run(method, Labelled(made[:48]), made[48:], tmp_path)
    found = [accuracy(module, made[48:], head, at) for at, head in enumerate(("coarse", "level_1", "fine"))]
    assert found[0] > 0.8
    assert found[1] > 0.6
    assert found[2] > 0.5  # chance is 1 in 6


def test_coarse_labels_alone_teach_the_groups(tmp_path):
    method, made = graphs(56, coarse_only=1.0)
    module = run(method.with_settings({"optimiser.epochs": 12}), Labelled(made[:42]), made[42:], tmp_path)
    assert accuracy(module, made[42:], "coarse", 0) > 0.8
    assert all(row["train_contrast"] == 0.0 for row in module.history)
    model, tree = module.model.eval(), method.make_task().label_tree
    with torch.no_grad():
        fine = [int(model(graph).head("fine").logits.argmax()) for graph in made[42:]]
    group = [tree.line(-1, k)[0] for k in fine]  # the fine head knows the group, and no more
    assert np.mean([g == int(graph.y[0, 0]) for g, graph in zip(group, made[42:], strict=True)]) > 0.8


@pytest.mark.parametrize("queue", [0, 24])
def test_resumed_equals_uninterrupted_bit_for_bit(queue, tmp_path):
    method, made = graphs(24, coarse_only=0.2)
    method = method.with_settings({"terms.contrast.queue": queue, "optimiser.epochs": 4})
    straight = run(method, Labelled(made[:18]), made[18:], tmp_path / "straight")
    rows = []

    def listen(row):
        rows.append(row)
        if len(rows) == 2:
            raise KilledError

    with pytest.raises(KilledError):
        run(method, Labelled(made[:18]), made[18:], tmp_path / "killed", listen=listen)
    torch.rand(11)  # other draws in between do not matter
    resumed = run(method, Labelled(made[:18]), made[18:], tmp_path / "killed")
    one, other = straight.state_dict(), resumed.state_dict()
    assert one.keys() == other.keys()
    assert ("objectives.terms.contrast.seen.embedding" in one) == bool(queue)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert straight.history == resumed.history
    assert all("train_contrast" in row for row in straight.history)
    # one slide at a time has nothing to compare with, unless there is a queue
    assert [row.get("val_contrast", 0.0) > 0 for row in straight.history] == [bool(queue)] * 4
    assert all(("val_contrast" in row) == bool(queue) for row in straight.history)
    if queue:
        assert int((one["objectives.terms.contrast.seen.labels"] >= 0).sum()) == queue
