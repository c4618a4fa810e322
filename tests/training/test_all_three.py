"""All three systems in one recipe: whom each term reaches, that it counts, that it learns and resumes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.graph.build import to_graph
from wsigraph.graph.self_loops import with_self_loops
from wsigraph.synthetic.hierarchy import synthetic_tree, tree_cohort
from wsigraph.synthetic.tree_signal import SetSignal
from wsigraph.training.build import graph_builder
from wsigraph.training.module import MILModule
from wsigraph.training.recipe import recipe

SMALL = {
    "encoder.hidden_channels": 16,
    "encoder.heads": 2,
    "heads.fine.embed_channels": 8,
    "heads.fine.hidden_channels": 8,
    "heads.coarse.hidden_channels": 8,
    "heads.patches.query_channels": 8,
    "optimiser.lr": 3e-3,
    "optimiser.epochs": 4,
}
REACHED = {
    "ce_fine": {"encoder", "fine.embed", "fine.scores", "fine.classify"},
    "ce_coarse": {"encoder", "coarse.scores", "coarse.classify"},
    "instance_alignment": {"encoder", "fine.embed", "fine.scores", "coarse.scores"},
    "bag_alignment": {"encoder", "fine.embed", "fine.scores", "fine.classify"},
    "contrast": {"encoder", "fine.embed", "fine.scores"},
    "reconstruction": {"encoder", "token", "decoder"},
    "ce_patches": {"encoder", "patches.instance", "patches.query", "patches.value", "patches.classify"},
    "max_instance": {"encoder", "patches.instance"},
    "ranking": {"encoder", "patches.instance"},
}


class KilledError(Exception):
    """Stands for a kill between two epochs."""


class Labelled(list):
    """Graphs whose targets can be read without them."""

    @property
    def targets(self):
        return [graph.y[0].tolist() for graph in self]


def method_of(tree, **changes):
    return recipe("all_three", in_channels=16, task=Hierarchy(tree)).with_settings({**SMALL, **changes})


@pytest.fixture(scope="module")
def slides():
    """Synthetic slides of seven classes in three groups, as graphs."""
    cohort = tree_cohort(28, seed=0, signal=SetSignal(strength=8.0, siblings=1.0, variation=0.1, grid=8))
    method, made = method_of(cohort.tree), Labelled()
    for features, labels in zip(cohort.features, cohort.labels, strict=True):
        graph = with_self_loops(to_graph(features, graph_builder(method)))
        graph.y = torch.tensor(np.array([labels]), dtype=torch.float64)
        made.append(graph)
    return method, made


def part_of(name):
    """The part that a weight belongs to."""
    for one in sorted(
        {part for parts in REACHED.values() for part in parts} - {"encoder", "token", "decoder"}
    ):
        head, _, layer = one.partition(".")
        if f"heads.{head}.{layer}" in name:
            return one
    if name.startswith("model.views"):
        return "token"
    return "decoder" if name.startswith("objectives") else "encoder"


def one_step(method, made):
    """A pair's loss after another pair of the same classes, so that the contrast remembers something."""
    model, objectives = method.build()
    module = MILModule(model, objectives, recipe=method, seed=0)
    pairs = [Batch.from_data_list([made[i], made[i + 2]]) for i in (0, 7)]
    with torch.no_grad():
        objectives(model, pairs[0], target=torch.cat([made[0].y, made[2].y]), epoch=1)
    target = torch.cat([made[7].y, made[9].y])
    return module, objectives(model, pairs[1], target=target, epoch=1)


def test_each_term_reaches_what_it_should_and_nothing_else(slides):
    method, made = slides
    assert [graph.y[0, 1].item() for graph in (made[0], made[7])] == [0, 0]
    module, loss = one_step(method, made)
    assert set(loss.terms) == set(REACHED)
    named = dict(module.named_parameters())
    for term, value in loss.terms.items():
        grads = torch.autograd.grad(value, list(named.values()), allow_unused=True, retain_graph=True)
        moved = [name for name, g in zip(named, grads, strict=True) if g is not None and bool((g != 0).any())]
        assert {part_of(name) for name in moved} == REACHED[term], term


def test_the_total_is_the_sum_of_all_terms_with_each_methods_weights(slides):
    method, made = slides
    _, loss = one_step(method, made)
    beta = 1 - 1 / 4  # epoch 1 of 4
    weights = {"ce_coarse": beta, "instance_alignment": beta, "bag_alignment": beta, "contrast": 1 - beta}
    weights |= {"ce_fine": 1.0, "reconstruction": 1.8, "ce_patches": 0.5, "max_instance": 0.5, "ranking": 0.1}
    total = sum(weights[name] * value for name, value in loss.terms.items())
    torch.testing.assert_close(loss.total, total)
    assert all(value.item() > 0 for value in loss.terms.values())


def test_it_is_the_three_recipes_put_together():
    tree = synthetic_tree()
    made = recipe("all_three", in_channels=16, task=Hierarchy(tree))
    hmil, srmil = (
        recipe("hmil", in_channels=16, task=Hierarchy(tree)),
        recipe("srmil", in_channels=16, classes="ab"),
    )
    ranked = recipe("hnm", in_channels=16, classes="abc")
    assert (made.encoder, made.graph, made.views) == (srmil.encoder, srmil.graph, srmil.views)
    assert made.sampler == ranked.sampler
    assert {name: made.heads[name] for name in hmil.heads} == hmil.heads
    assert next(iter(made.heads)) == "fine"
    terms = {k: v.model_dump() for k, v in made.terms.items()}
    for name, term in hmil.terms.items():
        assert terms[name] == {**term.model_dump(), **({"queue": 64} if name == "contrast" else {})}
    assert terms["reconstruction"] == srmil.terms["reconstruction"].model_dump()
    for name in ("ranking", "max_instance"):
        assert terms[name] == {**ranked.terms[name].model_dump(), "head": "patches"}


def test_of_two_classes_the_first_is_the_background():
    made = recipe("all_three", in_channels=6, classes=("normal", "tumour"))
    model, objectives = made.build()
    assert model.heads["patches"].background == 0
    assert objectives.terms["ranking"].classes == objectives.terms["max_instance"].classes == (1,)


def train_on(method, made, folder, listen=lambda row: None):
    from wsigraph.io.checkpoints import AtomicCheckpoints, load_checkpoint
    from wsigraph.training.fit_loop import TrainerOptions, train

    model, objectives = method.build()
    module = MILModule(model, objectives, recipe=method, seed=0)
    best = train(
        module,
        train_graphs=Labelled(made[:14]),
        val_graphs=made[14:],
        folder=folder,
        checkpoint_io=AtomicCheckpoints(),
        options=TrainerOptions(device="cpu"),
        listen=listen,
    )
    module.load_state_dict(load_checkpoint(best)["state_dict"])
    return module


def test_it_learns_and_resumes_bit_for_bit(slides, tmp_path):
    method, made = slides
    straight, rows = train_on(method, made, tmp_path / "straight"), []

    def listen(row):
        rows.append(row)
        if len(rows) == 2:
            raise KilledError

    with pytest.raises(KilledError):
        train_on(method, made, tmp_path / "killed", listen)
    torch.rand(7)  # other draws in between do not matter
    resumed = train_on(method, made, tmp_path / "killed")
    one, other = straight.state_dict(), resumed.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert straight.history == resumed.history
    first, last = straight.history[0], straight.history[-1]
    assert last["train_ce_fine"] < first["train_ce_fine"]
    assert last["train_reconstruction"] < first["train_reconstruction"]
