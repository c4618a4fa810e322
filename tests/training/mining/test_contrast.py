"""Fine-tuning: one step by hand, epochs that can be cut anywhere, rates, and a toy that is pulled apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from wsigraph.errors import CohortError, RunError
from wsigraph.nn.patch_networks.adapter import Adapter
from wsigraph.objectives.patch_contrast import patch_contrast
from wsigraph.training.mining.batches import MinedBatches
from wsigraph.training.mining.contrast import Contrast
from wsigraph.training.mining.pool import Pool
from wsigraph.training.mining.settings import mine_settings
from wsigraph.training.seeds import mix

SETTINGS = mine_settings(
    "hnm", {"rounds": 2, "epochs_per_round": 2, "warmup": 1, "batch": 10, "projection_channels": 4, "lr": 0.1}
)
RAW = np.random.default_rng(0).standard_normal((30, 6)).astype(np.float32)
RAW[:10] += 1.0
POOL = Pool(np.arange(30), np.zeros(30, int), np.repeat([1, 0], [10, 20]), 10)


def start(settings=SETTINGS, seed=4):
    torch.manual_seed(1)
    return Contrast(Adapter(6, hidden_channels=5), settings, seed=seed)


def read(rows):
    return RAW[rows]


def test_one_step_is_sgd_on_the_contrast_of_two_views():
    one = start(mine_settings("hnm", {**SETTINGS.model_dump(mode="json"), "steps": 1}))
    before = {k: v.clone() for k, v in one.state().items()}
    batches = MinedBatches(10, 20, seed=mix(4, "batches"), size=10, steps=1)
    batches.set_epoch(3)
    rows = batches.at(0)
    other = start()
    views = other.network.two_views(
        torch.from_numpy(RAW[rows]), torch.Generator().manual_seed(mix(4, "views", 3, 0))
    )
    ends = [other.projection(other.network(view)) for view in views]
    loss = patch_contrast(*ends, labels=torch.tensor([1] * 2 + [0] * 8), temperature=0.07)
    loss.backward()
    lr = 0.1 * (1 + math.cos(math.pi * 3 / 4)) / 2
    log = one.epoch(POOL, read, epoch=3)
    assert log.loss == pytest.approx(loss.item(), rel=1e-6)
    assert (log.steps, log.positives, log.negatives) == (1, 10, 20)
    assert log.lr == pytest.approx(lr)
    for name, weight in (*other.network.named_parameters(), *other.projection.named_parameters()):
        whole = f"network.{name}" if f"network.{name}" in before else f"projection.{name}"
        wanted = before[whole] - lr * (weight.grad + SETTINGS.weight_decay * before[whole])
        torch.testing.assert_close(one.state()[whole], wanted, rtol=1e-5, atol=1e-6)


def test_two_epochs_cut_in_between_are_two_epochs_bit_for_bit():
    straight, first = start(), start()
    logs = [straight.epoch(POOL, read, epoch=e) for e in (0, 1)]
    again = first.epoch(POOL, read, epoch=0)
    second = start(seed=4)
    second.load({k: v.clone() for k, v in first.state().items()})
    torch.manual_seed(77)
    assert [again, second.epoch(POOL, read, epoch=1)] == logs
    for name, tensor in straight.state().items():
        assert torch.equal(second.state()[name], tensor), name
    assert any(name.startswith("momentum.") for name in straight.state())


def test_global_random_state_is_left_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    start_state = torch.get_rng_state()
    one = Contrast(Adapter(6, hidden_channels=5), SETTINGS, seed=0)
    torch.set_rng_state(start_state)
    one.epoch(POOL, read, epoch=0)
    assert torch.equal(torch.rand(3), wanted)


def test_the_rate_falls_once_per_epoch_or_stays():
    one = start()
    assert [one.rate(e) for e in range(4)] == pytest.approx(
        [0.1, 0.1 * (1 + 0.5**0.5) / 2, 0.05, 0.0146446609]
    )
    steady = start(mine_settings("hnm", {**SETTINGS.model_dump(mode="json"), "schedule": "constant"}))
    assert [steady.rate(e) for e in range(4)] == [0.1] * 4


def test_a_toy_is_pulled_apart():
    settings = SETTINGS.with_changes({"batch": 30, "steps": 80, "lr": 0.2, "schedule": "constant"})
    torch.manual_seed(1)
    one = Contrast(Adapter(6, hidden_channels=32), settings, seed=4)

    def margin():
        rows = torch.nn.functional.normalize(one.network.encode(torch.from_numpy(RAW)), dim=1).numpy()
        cosines = rows @ rows.T
        return cosines[:10, :10].mean() + cosines[10:, 10:].mean() - 2 * cosines[:10, 10:].mean()

    before = margin()
    losses = [one.epoch(POOL, read, epoch=e).loss for e in range(2)]
    assert losses[1] < losses[0]
    assert margin() > before + 0.4


def test_a_pool_of_one_kind_and_a_loss_that_is_none_are_refused():
    with pytest.raises(CohortError, match="patches of both kinds, got 0 positive and 20 negative ones"):
        start().epoch(Pool(np.arange(20), np.zeros(20, int), np.zeros(20, int), 0), read, epoch=0)
    with pytest.raises(RunError, match="Contrast, epoch 0, step 0: expected a finite loss, got nan"):
        start().epoch(POOL, lambda rows: np.full((len(rows), 6), np.nan, np.float32), epoch=0)
