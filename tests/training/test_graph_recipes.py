"""Recipes of graph networks differ in their message passing alone, and each learns a toy of its own."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Batch

from wsigraph.testing.recipes import graphs_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe

PLAIN = ["gat", "gatv2", "gcn", "gin", "pna", "sage"]
OTHERS = ["deepgraphconv", "gps", "patchgcn"]


def settings(name):
    return recipe(name, in_channels=6, classes=["a", "b"]).to_dict()


@pytest.mark.parametrize("name", PLAIN)
def test_only_message_passing_differs(name):
    ours, first, set_based = settings(name), settings("gcn"), settings("abmil")
    assert {k: v for k, v in ours.items() if k not in ("name", "encoder")} == {
        k: v for k, v in first.items() if k not in ("name", "encoder")
    }
    for shared in ("heads", "terms", "optimiser", "checkpoint", "sampler", "standardise"):
        assert ours[shared] == set_based[shared]
    sizes = {k: ours["encoder"][k] for k in ("hidden_channels", "num_layers", "feature_dropout")}
    assert sizes == {"hidden_channels": 256, "num_layers": 2, "feature_dropout": 0.25}


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_learns_four_slides(name):
    model, objectives = recipe(name, in_channels=6, classes=["a", "b"]).build()
    slides, target = make_slides(6, sizes=(7, 6, 9, 8)), torch.tensor([0, 1, 0, 1])
    batch = Batch.from_data_list(graphs_of(slides))
    batch.x = batch.x.float()

    def loss():
        model.eval()
        with torch.no_grad():
            return objectives(model, batch, target=target).total.item()

    before, optimiser = loss(), torch.optim.AdamW(model.parameters(), lr=1e-3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(30):
            model.train()
            optimiser.zero_grad()
            objectives(model, batch, target=target).total.backward()
            optimiser.step()
    assert loss() < 0.5 * before
