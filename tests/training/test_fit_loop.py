"""Training: resumed equals uninterrupted, the checkpoint rule is obeyed, nothing but tensors is stored."""

from __future__ import annotations

import json
import math

import pytest
import torch

from wsigraph.training.module import MILModule


class KilledError(Exception):
    """Stands for a kill between two epochs."""


def killer(after):
    rows = []

    def listen(row):
        rows.append(row)
        if len(rows) == after:
            raise KilledError

    return listen


@pytest.fixture(scope="module")
def data(small, graphs_for):
    graphs = graphs_for(small(), slides=12, grid=8)
    return graphs[:8], graphs[8:]


def states(trained):
    return {**trained.module.state_dict()}


def assert_same(one, other):
    left, right = states(one), states(other)
    assert left.keys() == right.keys()
    assert all(torch.equal(left[k], right[k]) for k in left)
    assert one.history == other.history


@pytest.mark.parametrize("kill", [("val_loss", 3, None), ("last", 2, None), ("last", 2, 0.9)])
def test_resumed_equals_uninterrupted_bit_for_bit(small, data, run_training, tmp_path, kill):
    method, after = small(checkpoint__monitor=kill[0], views__masked__rate_end=kill[2]), kill[1]
    straight = run_training(method, *data, tmp_path / "straight")
    with pytest.raises(KilledError):
        run_training(method, *data, tmp_path / "killed", listen=killer(after))
    torch.rand(17)  # other draws in between do not matter
    heard = []
    resumed = run_training(method, *data, tmp_path / "killed", listen=heard.append)
    assert [row["epoch"] for row in heard] == list(range(after - 1, 4))  # no epoch before the kill again
    assert len(straight.history) == 4
    assert_same(straight, resumed)


def test_killed_after_the_last_epoch_trains_no_further(small, data, run_training, tmp_path):
    straight = run_training(small(), *data, tmp_path)
    rows = []
    again = run_training(small(), *data, tmp_path, listen=rows.append)
    assert rows == []
    assert_same(straight, again)


def test_killed_after_early_stopping_trains_no_further(small, data, run_training, tmp_path):
    method = small(optimiser__epochs=30, checkpoint__patience=1, optimiser__lr=0.05)
    straight = run_training(method, *data, tmp_path)
    assert len(straight.history) < 30
    rows = []
    again = run_training(method, *data, tmp_path, listen=rows.append)
    assert rows == []
    assert_same(straight, again)


def test_the_seed_fixes_the_run_and_another_changes_it(small, data, run_training, tmp_path):
    method = small(optimiser__epochs=2)
    runs = [run_training(method, *data, tmp_path / str(i), seed=s) for i, s in enumerate((0, 0, 1))]
    assert_same(runs[0], runs[1])
    assert runs[0].history != runs[2].history


def test_global_random_state_is_left_alone(small, data, run_training, tmp_path):
    before = torch.get_rng_state()
    run_training(small(optimiser__epochs=1), *data, tmp_path)
    assert torch.equal(before, torch.get_rng_state())


def test_the_checkpoint_with_the_lowest_validation_loss_is_kept(small, data, run_training, tmp_path):
    trained = run_training(small(optimiser__epochs=6, optimiser__lr=0.02), *data, tmp_path)
    losses = [row["val_loss"] for row in trained.history]
    assert torch.load(trained.best, weights_only=True)["epoch"] == losses.index(min(losses))
    assert loss_of(trained, data[1]) == pytest.approx(min(losses), rel=1e-5)


def loss_of(trained, graphs):
    with torch.no_grad():
        values = [
            torch.nn.functional.cross_entropy(trained.model(graph).logits, graph.y).item() for graph in graphs
        ]
    return sum(values) / len(values)


def test_last_keeps_the_last_epoch(small, data, run_training, tmp_path):
    trained = run_training(small(checkpoint__monitor="last", optimiser__lr=0.02), *data, tmp_path)
    assert [row["epoch"] for row in trained.history] == [0, 1, 2, 3]
    assert loss_of(trained, data[1]) == pytest.approx(trained.history[-1]["val_loss"], rel=1e-5)


def test_epochs_before_from_epoch_cannot_win(small, data, run_training, tmp_path):
    method = small(optimiser__epochs=5, optimiser__lr=0.05, checkpoint__from_epoch=3, checkpoint__patience=1)
    trained = run_training(method, *data, tmp_path)
    losses = [row["val_loss"] for row in trained.history]
    assert len(losses) >= 4  # patience counts from epoch 3 on
    assert torch.load(trained.best, weights_only=True)["epoch"] == 3 + losses[3:].index(min(losses[3:]))


def test_training_stops_when_validation_has_not_improved_for_patience_epochs(
    small, data, run_training, tmp_path
):
    method = small(optimiser__epochs=40, optimiser__lr=0.05, checkpoint__patience=2)
    losses = [row["val_loss"] for row in run_training(method, *data, tmp_path).history]
    best = losses.index(min(losses))
    assert len(losses) == best + 3 < 40


def test_a_score_that_should_rise_is_maximised(small, data, run_training, tmp_path):
    trained = run_training(small(checkpoint__monitor="val_auc", optimiser__epochs=5), *data, tmp_path)
    scores = [row["val_auc"] for row in trained.history]
    assert torch.load(trained.best, weights_only=True)["epoch"] == scores.index(max(scores))


def test_a_checkpoint_holds_tensors_and_plain_values_only(small, data, run_training, tmp_path):
    run_training(small(optimiser__epochs=1), *data, tmp_path)
    loaded = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert json.dumps(loaded["wsigraph"])
    assert plain(loaded)


def plain(value):
    if isinstance(value, dict):
        return all(isinstance(k, str | int) and plain(v) for k, v in value.items())
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    return value is None or isinstance(value, torch.Tensor | str | int | float | bool)


def test_the_history_has_a_row_per_epoch_with_every_term(small, data, run_training, tmp_path):
    heard = []
    trained = run_training(small(), *data, tmp_path, listen=heard.append)
    assert heard == trained.history
    for epoch, row in enumerate(trained.history):
        assert row["epoch"] == epoch
        assert row["lr"] == pytest.approx(3e-3 * (1 + math.cos(math.pi * epoch / 4)) / 2)
        for side in ("train", "val"):
            total = 0.2 * (row[f"{side}_ce"] + row[f"{side}_ce_masked"]) + 1.8 * row[f"{side}_reconstruction"]
            assert row[f"{side}_total"] == pytest.approx(total, rel=1e-5)
        assert 0 <= row["val_auc"] <= 1
        assert 0 <= row["val_accuracy"] <= 1


def test_validation_runs_in_evaluation_mode(small, data, run_training, tmp_path, monkeypatch):
    modes = []
    real = MILModule.validation_step

    def watched(self, batch, index):
        modes.append((self.training, self.model.training, torch.is_grad_enabled()))
        return real(self, batch, index)

    monkeypatch.setattr(MILModule, "validation_step", watched)
    run_training(small(optimiser__epochs=1), *data, tmp_path)
    assert set(modes) == {(False, False, False)}


def test_every_slide_is_seen_once_per_epoch(small, data, run_training, tmp_path, monkeypatch):
    seen = []
    real = MILModule.training_step
    monkeypatch.setattr(
        MILModule, "training_step", lambda self, b, i: seen.append(list(b.slide_id)) or real(self, b, i)
    )
    run_training(small(optimiser__epochs=2), *data, tmp_path)
    names = sorted(graph.slide_id for graph in data[0])
    first, second = [s for b in seen[:4] for s in b], [s for b in seen[4:] for s in b]
    assert sorted(first) == sorted(second) == names
    assert first != second
