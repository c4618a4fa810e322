"""torch_geometric warns once, when it is first imported, of what torch deprecates: import it quietly."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit.script.*", category=DeprecationWarning)
    import torch_geometric.nn  # noqa: F401

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.io.checkpoints import AtomicCheckpoints, load_checkpoint
from wsigraph.synthetic.features import arrangement_cohort
from wsigraph.training.build import graph_builder
from wsigraph.training.fit_loop import TrainerOptions, train
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import recipe

SMALL = {
    "encoder.hidden_channels": 16,
    "optimiser.lr": 3e-3,
    "optimiser.epochs": 4,
    "sampler.slides_per_step": 2,
}


@dataclass
class Trained:
    """What came of one training."""

    module: MILModule
    best: Any

    @property
    def model(self):
        return self.module.model.eval()

    @property
    def history(self):
        return self.module.history


class Labelled(list):
    """Graphs whose targets can be read without them."""

    @property
    def targets(self):
        return [int(graph.y) for graph in self]


@pytest.fixture(scope="session")
def graphs_for():
    """Graphs with classes for a recipe."""

    def make(method, *, slides, labels=None, seed=1, grid=12):
        cohort = arrangement_cohort(slides, seed=seed, grid=grid, strength=2.0)
        made = []
        for features, y in zip(cohort.features, cohort.labels if labels is None else labels, strict=True):
            graph = to_graph(features, graph_builder(method))
            graph = with_self_loops(graph) if method.self_loops else graph
            graph.y = torch.tensor([int(y)])
            made.append(graph)
        return Labelled(made)

    return make


@pytest.fixture(scope="session")
def small():
    """A recipe in a small size."""

    def make(name="srmil", **changes):
        base = recipe(name, in_channels=8, classes=["scattered", "clustered"])
        return base.with_settings({**SMALL, **{k.replace("__", "."): v for k, v in changes.items()}})

    return make


@pytest.fixture(scope="session")
def run_training():
    """Train a recipe on graphs, resuming from the folder; load the best weights."""

    def run(
        method, train_graphs, val_graphs, folder, *, seed=0, listen=lambda row: None, module=None, workers=0
    ):
        if module is None:
            model, objectives = method.build(seed=seed)
            objectives.see(torch.tensor(Labelled(train_graphs).targets))
            module = MILModule(model, objectives, recipe=method, seed=seed)
        best = train(
            module,
            train_graphs=Labelled(train_graphs),
            val_graphs=val_graphs,
            folder=folder,
            checkpoint_io=AtomicCheckpoints(),
            options=TrainerOptions(device="cpu", workers=workers),
            listen=listen,
        )
        module.load_state_dict(load_checkpoint(best)["state_dict"])
        return Trained(module, best)

    return run
