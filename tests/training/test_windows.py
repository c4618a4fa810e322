"""Training on windows: drawn from (seed, epoch, slide), in training alone, and enough to learn from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.loader import DataLoader

from wsigraph.errors import RecipeError
from wsigraph.evaluation.metrics import auc
from wsigraph.training.module import MILModule
from wsigraph.training.samplers.balanced import Balanced
from wsigraph.training.samplers.shuffled import Shuffled
from wsigraph.training.samplers.steps import EpochSteps
from wsigraph.training.windows import Windows, WindowSteps

SIZE = 20


class KilledError(Exception):
    """Stands for a kill between two epochs."""


@pytest.fixture(scope="module")
def data(small, graphs_for):
    graphs = graphs_for(small(), slides=12, grid=8)
    return graphs[:8], graphs[8:]


def windowed(small, **changes):
    return small(sampler__window_patches=SIZE, **changes)


def places(graph):
    return tuple(graph.pos.flatten().tolist())


def test_another_window_in_each_epoch_the_same_for_one_seed(data):
    graphs = data[0]
    windows = Windows(graphs, size=SIZE, seed=1)
    first = windows[0, 3]
    assert torch.equal(first.pos, windows[0, 3].pos)
    assert torch.equal(first.pos, Windows(graphs, size=SIZE, seed=1)[0, 3].pos)
    epochs = {tuple(windows[epoch, 3].pos.flatten().tolist()) for epoch in range(12)}
    assert len(epochs) > 8
    assert (
        len({tuple(Windows(graphs, size=SIZE, seed=s)[0, 3].pos.flatten().tolist()) for s in range(12)}) > 8
    )


def test_every_slide_once_per_epoch_also_from_loader_processes(data):
    graphs = data[0]
    steps = WindowSteps(EpochSteps(Shuffled(2), torch.zeros(len(graphs)), seed=4))
    steps.sampler.set_epoch(2)
    given = []
    for workers in (0, 1):
        loader = DataLoader(Windows(graphs, size=SIZE, seed=4), batch_sampler=steps, num_workers=workers)
        batches = list(loader)
        given.append(torch.cat([batch.pos for batch in batches]))
        assert sorted(s for batch in batches for s in batch.slide_id) == sorted(g.slide_id for g in graphs)
        assert all(batch.num_nodes == 2 * SIZE for batch in batches)
    assert torch.equal(*given)


def test_each_step_is_that_of_the_sampler_with_its_epoch():
    steps = EpochSteps(Balanced(3), torch.tensor([0] * 7 + [1] * 2), seed=4)
    windows = WindowSteps(steps)
    windows.sampler.set_epoch(5)
    assert list(windows) == [[(5, slide) for slide in step] for step in steps]
    assert len(windows) == len(list(windows)) == 3


def counting(step, seen):
    return lambda self, batch, index: seen.append(batch.num_nodes) or step(self, batch, index)


def test_windows_in_training_and_whole_slides_in_validation(small, data, run_training, tmp_path, monkeypatch):
    sizes = {"training_step": [], "validation_step": []}
    for name, seen in sizes.items():
        monkeypatch.setattr(MILModule, name, counting(getattr(MILModule, name), seen))
    run_training(windowed(small, optimiser__epochs=2), *data, tmp_path)
    assert set(sizes["training_step"]) == {2 * SIZE}
    assert sizes["validation_step"] == [g.num_nodes for g in data[1]] * 2


def test_slides_smaller_than_the_window_train_as_if_there_were_none(small, data, run_training, tmp_path):
    plain = run_training(small(optimiser__epochs=2), *data, tmp_path / "plain")
    wide = small(sampler__window_patches=10_000, optimiser__epochs=2)
    cut = run_training(wide, *data, tmp_path / "cut")
    assert plain.history == cut.history


def test_resumed_equals_uninterrupted_bit_for_bit(small, data, run_training, tmp_path):
    method = windowed(small)
    straight = run_training(method, *data, tmp_path / "straight")
    rows = []

    def listen(row):
        rows.append(row)
        if len(rows) == 2:
            raise KilledError

    with pytest.raises(KilledError):
        run_training(method, *data, tmp_path / "killed", listen=listen)
    resumed = run_training(method, *data, tmp_path / "killed")
    assert straight.history == resumed.history
    left, right = straight.module.state_dict(), resumed.module.state_dict()
    assert all(torch.equal(left[key], right[key]) for key in left)


def test_windows_are_enough_to_learn_arrangement(small, graphs_for, run_training, tmp_path):
    method = small(optimiser__epochs=6, sampler__window_patches=60)
    graphs = graphs_for(method, slides=110)
    assert min(g.num_nodes for g in graphs) > 60
    trained = run_training(method, graphs[:40], graphs[40:50], tmp_path)
    with torch.no_grad():
        probabilities = np.stack([trained.model(g).logits.softmax(-1)[0].numpy() for g in graphs[50:]])
    assert auc(np.array([int(g.y) for g in graphs[50:]]), probabilities) > 0.85


def test_a_window_without_patches_is_refused(small):
    with pytest.raises(RecipeError, match="window_patches"):
        small(sampler__window_patches=0)
