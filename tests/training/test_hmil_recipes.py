"""HMIL's recipes: the published loss, each term in it and reaching what it should, on any tree."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import torch
from torch_geometric.data import Batch

from wsigraph.data.label_tree.build import tree_from_dict
from wsigraph.data.label_tree.ready import ready_tree
from wsigraph.data.tasks.hierarchy import Hierarchy
from wsigraph.errors import RecipeError
from wsigraph.nn.schedule import Schedule
from wsigraph.objectives.terms.supervised_contrast import wave
from wsigraph.testing.recipes import graphs_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.build import slide_sampler
from wsigraph.training.recipe import Recipe, recipe

BRACS = {"name": "hierarchy", "tree": "bracs"}
DEEP = tree_from_dict(
    {"x": {"x1": ("a", "b"), "x2": ("c",)}, "y": {"y1": ("d", "e"), "y2": ("f", "g")}},
    levels=("top", "mid", "leaf"),
)
SMALL = {"encoder.hidden_channels": 8, "heads.fine.embed_channels": 8, "optimiser.epochs": 10}
TARGET = [[0, 1], [2, 6], [0, 1], [1, 4], [2, -1]]  # PB, IC, PB, ADH, malignant


def small(name="hmil", task=BRACS, **changes):
    return recipe(name, in_channels=6, task=task).with_settings({**SMALL, **changes})


def batch():
    return Batch.from_data_list(graphs_of(make_slides(6, sizes=(5, 3, 8, 4, 6))))


def built(method, seed=0):
    model, objectives = method.build(seed=seed)
    return model.double(), objectives.double()


@pytest.mark.parametrize("epoch", [0, 3, 9])
def test_the_loss_is_the_paper_s(epoch):
    model, objectives = built(small())
    loss = objectives(model, batch(), target=torch.tensor(TARGET), epoch=epoch)
    beta, term = 1 - epoch / 10, {name: value.item() for name, value in loss.terms.items()}
    falling = term["ce_coarse"] + term["instance_alignment"] + term["bag_alignment"]
    wanted = beta * falling + (1 - beta) * term["contrast"] + term["ce_fine"]
    assert loss.total.item() == pytest.approx(wanted, rel=1e-12)
    assert min(term.values()) > 0.0


@pytest.mark.parametrize("epoch", [0, 3, 9])
def test_the_loss_is_the_code_s(epoch):
    model, objectives = built(small("hmil_code"))
    loss = objectives(model, batch(), target=torch.tensor(TARGET), epoch=epoch)
    alpha, term = 1 - (epoch / 10) ** 2, {name: value.item() for name, value in loss.terms.items()}
    wanted = alpha * term["ce_coarse"] + term["ce_fine"] + term["bag_alignment"]
    assert loss.total.item() == pytest.approx(wanted + (1 - alpha) * term["contrast"], rel=1e-12)
    assert objectives.terms["contrast"].temperature == "wave"
    assert wave(epoch, 10) != wave(epoch + 1, 10)


@pytest.mark.parametrize("name", ["hmil", "hmil_code"])
def test_every_term_is_in_the_total(name):
    model, objectives = built(small(name))
    for term in objectives.terms:
        totals = []
        for weight in (0.5, 1.5):
            objectives.weights[term] = Schedule(weight)
            totals.append(objectives(model, batch(), target=torch.tensor(TARGET), epoch=4))
        own = totals[0].terms[term].item()
        assert (totals[1].total - totals[0].total).item() == pytest.approx(own, rel=1e-9)
        assert own > 0.0


EVERY = {"encoder.down", "encoder.up.1"}
COARSE = {"heads.coarse.scores.value", "heads.coarse.scores.gate", "heads.coarse.scores.score"}
FINE = {"heads.fine.embed", *(name.replace("coarse", "fine") for name in COARSE)}
REACHED = {
    "ce_fine": EVERY | FINE | {"heads.fine.classify"},
    "ce_coarse": EVERY | COARSE | {"heads.coarse.classify"},
    "instance_alignment": EVERY | FINE | COARSE,
    "bag_alignment": EVERY | FINE | {"heads.fine.classify"},
    "contrast": EVERY | FINE,
}


@pytest.mark.parametrize("term", REACHED)
def test_a_term_reaches_what_it_should_and_nothing_else(term):
    model, objectives = built(small())
    loss = objectives(model, batch(), target=torch.tensor(TARGET), epoch=4)
    weights = {name: value for name, value in model.named_parameters() if name.endswith("weight")}
    grads = torch.autograd.grad(loss.terms[term], list(weights.values()), allow_unused=True)
    found = {
        name.removesuffix(".weight")
        for name, grad in zip(weights, grads, strict=True)
        if grad is not None and bool((grad.abs() > 1e-14).any())
    }
    assert found == REACHED[term]


def test_a_slide_labelled_coarsely_trains_the_levels_it_has():
    model, objectives = built(small())
    target = torch.tensor([[2, -1]] * 5)
    loss = objectives(model, batch(), target=target, epoch=4)
    term = {name: value.item() for name, value in loss.terms.items()}
    assert term["contrast"] == 0.0
    assert term["ce_coarse"] > 0.0
    assert term["ce_fine"] == pytest.approx(term["bag_alignment"], rel=1e-12)  # all that is known of the fine
    assert term["instance_alignment"] > 0.0


def test_three_levels_have_a_head_each_and_alignments_between_neighbours():
    method = recipe("hmil", in_channels=6, task=Hierarchy(DEEP))
    assert list(method.heads) == ["fine", "level_1", "coarse"]
    assert [part.options["level"] for part in method.heads.values()] == [2, 1, 0]
    assert {name for name in method.terms if "alignment" in name} == {
        *("instance_alignment_fine", "instance_alignment_level_1"),
        *("bag_alignment_fine", "bag_alignment_level_1"),
    }
    model, objectives = built(method)
    target = torch.tensor([DEEP.line(-1, k) for k in (0, 4, 0, 6)] + [(1, 2, -1)])
    loss = objectives(model, batch(), target=target, epoch=0)
    widths = {name: head.logits.shape[1] for name, head in loss.views["clean"].heads.items()}
    assert widths == {"fine": 7, "level_1": 4, "coarse": 2}
    level = {name: getattr(term, "level", None) for name, term in objectives.terms.items()}
    assert (level["ce_level_1"], level["bag_alignment_level_1"], level["bag_alignment_fine"]) == (1, 0, 1)
    assert objectives.terms["instance_alignment_level_1"].membership.shape == (4, 2)
    assert objectives.terms["instance_alignment_fine"].membership.shape == (7, 4)
    beta = [name for name in loss.terms if name not in ("ce_fine", "contrast")]
    wanted = loss.terms["ce_fine"] + sum(loss.terms[name] for name in beta)
    assert loss.total.item() == pytest.approx(wanted.item(), rel=1e-12)


def test_hmil_on_a_graph_of_neighbours_is_one_line():
    method = small(encoder={"name": "gat", "hidden_channels": 8}, graph={"name": "knn", "k": 8})
    model, objectives = built(method)
    model.eval()
    graph = batch()
    graph.edge_index = torch.tensor([[0, 1, 6], [1, 0, 5]])
    with_edges = objectives(model, graph, target=torch.tensor(TARGET), epoch=4)
    graph.edge_index = graph.edge_index[:, :0]
    without = objectives(model, graph, target=torch.tensor(TARGET), epoch=4)
    assert all(with_edges.terms[name] != without.terms[name] for name in method.terms)


def test_reconstruction_is_one_term_more():
    method = small(
        **{
            "encoder": {"name": "gat", "hidden_channels": 8},
            "graph": {"name": "knn", "k": 8},
            "views.masked": {"name": "masked", "rate": 0.7},
            "terms.reconstruction": {"name": "reconstruction", "weight": 1.8},
        }
    )
    model, objectives = built(method)
    loss = objectives(model, batch(), target=torch.tensor(TARGET), epoch=4)
    assert set(loss.terms) == {*REACHED, "reconstruction"}
    rest = {name: objectives.weights[name].at(4, 10) * value for name, value in loss.terms.items()}
    assert rest["reconstruction"].item() == pytest.approx(
        1.8 * loss.terms["reconstruction"].item(), rel=1e-12
    )
    assert loss.total.item() == pytest.approx(sum(rest.values()).item(), rel=1e-12)


def test_where_only_classes_are_given_each_is_a_group_of_its_own():
    method = recipe("hmil", in_channels=6, classes=["b", "a", "c"])
    tree = method.make_task().label_tree
    assert tree.classes == (("b", "a", "c"), ("b", "a", "c"))
    assert (tree.membership() == torch.eye(3).numpy()).all()
    assert method.task.name == "hierarchy"


def test_the_tree_is_in_the_recipe():
    method = small()
    assert method.classes == ready_tree("bracs").names()
    again = Recipe.from_dict(json.loads(json.dumps(method.to_dict())))
    assert again == method
    assert again.make_task().label_tree == ready_tree("bracs")


def test_other_methods_answer_the_finest_level_of_a_tree():
    method = recipe("abmil", in_channels=6, task=BRACS).with_settings({"encoder.hidden_channels": 8})
    assert method.classes == ready_tree("bracs").names()
    model, objectives = built(method)
    loss = objectives(model, batch(), target=torch.tensor(TARGET))
    assert loss.views["clean"].logits.shape == (5, 7)
    plain = recipe("abmil", in_channels=6, classes=method.classes)
    plain = plain.with_settings({"encoder.hidden_channels": 8}).build(seed=0)
    known = torch.tensor([row[1] for row in TARGET[:4]])
    torch.manual_seed(3)
    of_tree = model(batch()).logits[:4]
    torch.manual_seed(3)
    of_classes = plain[0].double()(batch()).logits[:4]
    assert torch.equal(of_tree, of_classes)
    assert torch.nn.functional.cross_entropy(of_tree, known) > 0


@pytest.mark.parametrize(
    ("name", "task", "changes", "sentence"),
    [
        (
            "hmil",
            BRACS,
            {"heads.coarse.level": "grade"},
            r"head 'coarse': .*\['group', 'subtype'\], got 'grade'",
        ),
        (
            "hmil",
            BRACS,
            {"heads.fine.level": "group"},
            "first head to answer the finest level, 'subtype', got head 'fine'",
        ),
        ("hmil", BRACS, {"heads.coarse.level": 1}, "head 'fine' to answer a finer level than head 'coarse'"),
        (
            "hmil",
            BRACS,
            {"heads.fine": {"name": "bag", "aggregator": {"name": "mean"}}},
            "'attention' from head 'fine'",
        ),
        ("hmil", BRACS, {"sampler.slides_per_step": 2}, "slides_per_step of at least 4"),
        ("hmil", BRACS, {"checkpoint.monitor": "val_auc"}, "a checkpoint rule of"),
        ("hmil", "cox", {}, "no level, because task 'cox' has no label tree"),
        ("hmil", "hierarchy", {}, "expected a label tree, got none. Give --tree NAME"),
        (
            "abmil",
            {"name": "hierarchy", "tree": "brca"},
            {},
            r"one of \['bracs', 'cytology', 'panda'\], got 'brca'",
        ),
        ("abmil", BRACS, {"classes": ["a", "b"]}, "classes must be the finest of the tree"),
        ("clam_sb", BRACS, {}, "terms that can read its targets, got term 'instance'"),
    ],
)
def test_what_cannot_work_is_refused_when_the_recipe_is_built(name, task, changes, sentence):
    with pytest.raises(RecipeError, match=sentence):
        recipe(name, in_channels=6, task=task).with_settings(changes)


def test_trees_and_classes_that_contradict_each_other_are_refused():
    flat = {"levels": ["class"], "classes": [["a", "b"]], "parents": []}
    with pytest.raises(RecipeError, match="HMIL: expected a tree of two or more levels, got only 'class'"):
        recipe("hmil", in_channels=6, task={"name": "hierarchy", "tree": flat})
    with pytest.raises(RecipeError, match=r"the finest classes of the tree.*got \['N', 'PB'\]"):
        recipe("hmil", in_channels=6, classes=["N", "PB"], task=BRACS)
    with pytest.raises(
        RecipeError, match="expected no level, because task 'classification' has no label tree"
    ):
        recipe("abmil", in_channels=6, classes=["a", "b"]).with_settings({"heads.bag.level": 0})


def test_rare_classes_may_be_drawn_and_contrasted_as_often_as_others():
    method = small(**{"sampler.name": "balanced", "terms.contrast.class_weights": "balanced"})
    target = torch.tensor([[0, 1]] * 12 + [[2, 6]] * 2 + [[1, -1]])
    steps = slide_sampler(method).steps(method.make_task().classes_to_draw(target), seed=0, epoch=0)
    drawn = Counter(tuple(target[slide].tolist()) for step in steps for slide in step)
    assert drawn == {(0, 1): 5, (2, 6): 5, (1, -1): 5}
    model, objectives = built(method)
    assert objectives(model, batch(), target=torch.tensor(TARGET), epoch=4).terms["contrast"] > 0


def test_samplers_draw_by_the_finest_known_class():
    task = Hierarchy(DEEP)
    target = torch.tensor([[0, 0, 1], [1, 3, 6], [1, 2, -1], [0, -1, -1], [1, -1, -1], [0, 0, 1]])
    assert task.classes_to_draw(target.float()).tolist() == [1, 6, 9, 11, 12, 1]
