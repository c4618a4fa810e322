"""Seeds from words, and the generators that they set."""

from __future__ import annotations

import torch

from wsigraph.training.seeds import mix, seed_draws


def test_draws_are_those_of_manual_seed():
    for seed in (0, 7, mix(3, "train", 5)):
        torch.manual_seed(seed)
        usual = torch.rand(5), torch.randperm(9)
        torch.rand(3)
        seed_draws(seed)
        assert torch.equal(torch.rand(5), usual[0])
        assert torch.equal(torch.randperm(9), usual[1])


def test_nothing_is_kept_for_devices_that_are_not_here():
    before = len(torch.cuda._queued_calls)
    for step in range(50):
        seed_draws(step)
    assert len(torch.cuda._queued_calls) == before
