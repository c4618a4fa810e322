"""Recipes asked about patches: the loss by hand, what stays of a recipe, and a task that needs neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsigraph.data.patch_features import PatchFeatures
from wsigraph.errors import RecipeError
from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.training.build import graph_builder
from wsigraph.training.fit_nodes import LabelledNodes, fit_nodes, validation_loss
from wsigraph.training.node_head import node_classifier, node_cross_entropy
from wsigraph.training.recipe import recipe

CLASSES = ["even", "odd"]
SMALL = {"encoder.hidden_channels": 16, "optimiser.epochs": 25, "optimiser.lr": 0.01}


def small(name, **changes):
    told = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    made = recipe(name, in_channels=3, classes=CLASSES).with_settings(told)
    return (
        made
        if made.graph.name == "edgeless"
        else made.with_settings({"graph": {"name": "window", "rings": 1}})
    )


def section(one, seed, side=9):
    """A synthetic section: a spot's class is the sign of what its neighbours, itself left out, have summed.

    Its own values are noise to its own class: alone it tells nothing.
    """
    rng = np.random.default_rng(seed)
    cells = np.argwhere(np.ones((side, side)))
    x = rng.standard_normal((len(cells), 3)).astype(np.float32)
    apart = np.abs(cells[:, None] - cells[None]).max(-1)
    target = ((apart == 1) @ x[:, 0] > 0).astype(np.int64)
    target[rng.random(len(cells)) < 0.1] = -1
    features = PatchFeatures(f"synthetic_{seed}", x, cells * 200, patch_size_level0=200.0, step_level0=200.0)
    graph = to_graph(features, graph_builder(one))
    graph = with_self_loops(graph) if one.self_loops else graph
    return LabelledNodes(graph, torch.from_numpy(target))


def test_the_loss_is_the_mean_over_known_nodes_by_hand():
    logits, target = np.random.default_rng(0).standard_normal((7, 3)), [0, -1, 2, 1, -1, 1, 0]
    total, count = 0.0, 0
    for row, wanted in zip(logits, target, strict=True):
        if wanted >= 0:
            total += np.log(sum(np.exp(v) for v in row)) - row[wanted]
            count += 1
    found = node_cross_entropy(torch.from_numpy(logits), torch.tensor(target))
    assert float(found) == pytest.approx(total / count, abs=1e-12)
    told = torch.from_numpy(logits).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: node_cross_entropy(v, torch.tensor(target)), (told,))
    node_cross_entropy(told, torch.tensor(target)).backward()
    assert bool((told.grad[[1, 4]] == 0).all())  # unknown nodes pull at nothing
    sure = 1e3 * torch.nn.functional.one_hot(torch.tensor([0, 2]), 3).double()
    assert float(node_cross_entropy(sure, torch.tensor([0, 2]))) == 0.0
    assert float(node_cross_entropy(sure, torch.tensor([-1, -1]))) == 0.0


def test_terms_keep_their_views_and_weights():
    one = small("srmil")
    asked, slide = node_classifier(one), section(one, 0)
    assert sorted(asked.objectives.terms) == ["ce", "ce_masked", "reconstruction"]
    torch.manual_seed(0)
    loss = asked.loss(slide.graph, slide.target)
    weighed = sum(one.terms[name].weight * float(value.detach()) for name, value in loss.terms.items())
    assert float(loss.total.detach()) == pytest.approx(weighed, rel=1e-6)
    asked.eval()
    torch.manual_seed(0)
    told = asked.loss(slide.graph, slide.target).terms
    assert float(told["ce"].detach()) == pytest.approx(validation_loss(asked, [slide]), rel=1e-6)
    assert float(told["ce"].detach()) != pytest.approx(float(told["ce_masked"].detach()), rel=1e-3)


@pytest.mark.parametrize("name", ["abmil", "gat", "srmil"])
def test_a_gradient_reaches_encoder_and_head(name):
    one = small(name)
    asked, slide = node_classifier(one), section(one, 0)
    asked.loss(slide.graph, slide.target).total.backward()
    silent = [key for key, p in asked.model.encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
    assert asked.head.weight.grad.abs().sum() > 0
    assert not list(asked.model.heads)


def test_what_cannot_be_asked_about_patches_is_refused():
    for name, got in (("clam_sb", "clam_instance"), ("aem", "slide head")):
        with pytest.raises(RecipeError, match=f"asked about patches: expected cross-entropies.*{got}"):
            node_classifier(recipe(name, in_channels=3, classes=CLASSES))
    one = small("abmil").with_settings({"checkpoint.monitor": "val_auc"})
    with pytest.raises(RecipeError, match="'val_loss' or 'last', got 'val_auc'"):
        fit_nodes(node_classifier(one), one, train=[], val=[], seed=0)


def accuracy(name, **changes):
    one = small(name, **changes)
    asked, slides = node_classifier(one), [section(one, seed) for seed in range(8)]
    log = fit_nodes(asked, one, train=slides[:5], val=slides[5:6], seed=0)
    assert validation_loss(asked, slides[5:6]) == min(
        row["val_loss"] for row in log
    )  # the best epoch is kept
    hits = [
        (asked(slide.graph).argmax(1) == slide.target)[slide.target >= 0].float().mean()
        for slide in slides[6:]
    ]
    return float(torch.stack(hits).mean())


def test_neighbours_are_heard_where_the_label_needs_them():
    assert accuracy("gin") > 0.75
    assert accuracy("abmil") < 0.6


def test_a_fit_depends_on_its_seed_and_on_nothing_else():
    one = small("gcn", optimiser__epochs=3)
    slides = [section(one, seed) for seed in range(3)]

    def fit(seed):
        asked = node_classifier(one, seed=seed)
        return fit_nodes(asked, one, train=slides[:2], val=slides[2:], seed=seed)

    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = fit(1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert fit(1) == first
    assert fit(2) != first
    last = small("gcn", optimiser__epochs=3).with_settings({"checkpoint.monitor": "last"})
    asked = node_classifier(last, seed=1)
    log = fit_nodes(asked, last, train=slides[:2], val=slides[2:], seed=1)
    assert validation_loss(asked, slides[2:]) == log[-1]["val_loss"]
