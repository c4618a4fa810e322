"""Training and prediction in mixed precision: every recipe, encoder and decoder runs and stays near full."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from wsigraph.nn.encoders.base import Encoder
from wsigraph.testing.recipes import targets_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe, recipe_names

GRAPHS = ["gat", "gatv2", "gcn", "gin", "pna", "sage"]


def silence(*parts):
    for module in (module for part in parts for module in part.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for rate in {"feature_dropout", "attention_dropout"} & vars(module).keys():
            setattr(module, rate, 0.0)


def both(method, *, train):
    """Total and gradients, or logits, in full precision and under autocast: one mask, no dropout."""
    model, objectives = method.build()
    silence(model, objectives)
    slides = make_slides(6, sizes=(40,))
    graph = Data(x=slides.x.float(), edge_index=slides.adjacency.edge_index, pos=slides.pos, num_nodes=40)
    masks = {"masked": torch.arange(40) % 3 > 0}
    for half in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # what is drawn otherwise is drawn alike
            if train:
                model.train()
                objectives.train()
                total = objectives(model, graph, target=targets_of(method, 2)[1:], masks=masks).total
            else:
                model.eval()
                with torch.no_grad():
                    out = model(graph)
                    total = out.head(next(iter(model.heads))).logits if model.heads else out.nodes.mean()
        if train:
            model.zero_grad()
            total.backward()
            assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())
        yield total.detach().float()


def method_of(name):
    return recipe(name, in_channels=6, classes=[] if name == "srmil_pretrain" else ["a", "b"])


@pytest.mark.parametrize("train", [True, False], ids=["train", "predict"])
@pytest.mark.parametrize("name", recipe_names())
def test_recipes(name, train):
    full, half = both(method_of(name), train=train)
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("name", [n for n in GRAPHS if n in Encoder.registry.names()])
def test_encoders_and_decoders(name):
    values = method_of("srmil").to_dict()
    values["encoder"] = {"name": name, "hidden_channels": 16, "feature_dropout": 0.0}
    values["terms"]["reconstruction"] |= {"layer": name}
    method = type(method_of("srmil")).from_dict(values)
    full, half = both(method.with_settings({"optimiser.epochs": 1}), train=False)
    torch.testing.assert_close(half, full, rtol=0.05, atol=0.05)
    for total in both(method, train=True):
        assert torch.isfinite(total)


def test_folded_matrices_do_not_remember_half_precision():
    method = method_of("srmil_code")
    alone = next(both(method, train=False))
    model, _ = method.build()
    model.eval()
    slides = make_slides(6, sizes=(40,))
    graph = Data(x=slides.x.float(), edge_index=slides.adjacency.edge_index, num_nodes=40)
    with torch.no_grad():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(graph)
        assert torch.equal(model(graph).logits, alone)
