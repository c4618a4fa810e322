"""``save_memory`` changes how a training runs, never what comes of it."""

from __future__ import annotations

import torch

from wsigraph.io.checkpoints import AtomicCheckpoints
from wsigraph.training.fit_loop import TrainerOptions, train
from wsigraph.training.module import MILModule


def test_a_training_that_saves_memory_ends_bit_equal(small, graphs_for, tmp_path):
    method = small(optimiser__epochs=2)
    graphs = graphs_for(method, slides=8, grid=8)
    modules = []
    for save in (False, True):
        model, objectives = method.build(seed=0)
        module = MILModule(model, objectives, recipe=method, seed=0)
        options = TrainerOptions(device="cpu", save_memory=save)
        train(
            module,
            train_graphs=type(graphs)(graphs[:5]),
            val_graphs=graphs[5:],
            folder=tmp_path / str(save),
            checkpoint_io=AtomicCheckpoints(),
            options=options,
        )
        assert module.model.recomputes is save
        modules.append(module)
    plain, saving = modules
    assert plain.history == saving.history
    left, right = plain.state_dict(), saving.state_dict()
    assert all(torch.equal(left[key], right[key]) for key in left)
