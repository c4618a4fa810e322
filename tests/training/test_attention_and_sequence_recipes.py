"""Transformers and state spaces over patches learn a toy: loss finite at every step and soon far lower."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch

from wsigraph.testing.recipes import graphs_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe

NAMES = ["ilra", "mambamil", "rrt", "s4mil", "transformer", "transmil"]


@pytest.mark.parametrize("name", NAMES)
def test_a_toy_is_learned(name):
    slides = make_slides(6, sizes=(20, 1, 12, 9))
    batch = Batch.from_data_list(graphs_of(slides))
    batch.x, target = batch.x.float(), torch.tensor([0, 1, 2, 1])
    model, objectives = recipe(name, in_channels=6, classes=["a", "b", "c"]).build()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4)
    losses = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(15):
            loss = objectives(model, batch, target=target).total
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    assert all(torch.isfinite(torch.tensor(losses)))
    assert losses[-1] < 0.5 * losses[0], losses
