"""The total holds every declared term with its weight, and the model runs no more than it must."""

from __future__ import annotations

import pytest
import torch

from wsigraph.errors import RecipeError
from wsigraph.nn.schedule import Schedule
from wsigraph.objectives.base import Need, Objective
from wsigraph.objectives.objectives import Objectives
from wsigraph.testing.objectives import example_sizes
from wsigraph.testing.recipes import targets_of
from wsigraph.testing.slides import make_slides
from wsigraph.training.recipe import recipe, recipe_names

CLASSES = ("a", "b", "c")


class Batch(dict):
    """What a model reads of a PyG batch."""

    __getattr__ = dict.__getitem__


def batch():
    slides = make_slides(6)
    return Batch(
        x=slides.x.float(),
        edge_index=slides.edge_index,
        pos=slides.pos,
        batch=slides.batch,
        num_graphs=slides.num_graphs,
    )


TARGET = torch.tensor([0, 1, 2, 1])


class Dial(Schedule):
    """A weight that can be differentiated by."""

    def __init__(self, value):
        object.__setattr__(self, "value", value)

    def at(self, epoch, epochs):
        return self.value


@pytest.mark.parametrize("name", recipe_names())
def test_the_derivative_of_the_total_by_each_weight_is_that_term(name):
    method = recipe(name, in_channels=6, classes=CLASSES)
    model, objectives = method.build()
    model.eval()
    objectives.eval()
    dials = {term: torch.tensor(0.3, requires_grad=True) for term in method.terms}
    objectives.weights = {term: Dial(value) for term, value in dials.items()}
    loss = objectives(model, batch(), target=targets_of(method, len(TARGET)))
    assert set(loss.terms) == set(method.terms)
    for term, dial in dials.items():
        (slope,) = torch.autograd.grad(loss.total, dial, retain_graph=True)
        assert slope.item() == pytest.approx(loss.terms[term].item(), rel=1e-6)
        assert slope.item() > 0


def test_srmil_weighs_its_terms_as_published():
    model, objectives = recipe("srmil", in_channels=6, classes=CLASSES).build()
    model.eval()
    objectives.eval()
    loss = objectives(model, batch(), target=TARGET)
    terms = {name: value.item() for name, value in loss.terms.items()}
    wanted = 0.2 * (terms["ce"] + terms["ce_masked"]) + 1.8 * terms["reconstruction"]
    assert loss.total.item() == pytest.approx(wanted, rel=1e-6)


def test_every_parameter_of_srmil_learns():
    model, objectives = recipe("srmil", in_channels=6, classes=CLASSES).build()
    objectives(model, batch(), target=TARGET).total.backward()
    idle = [n for part in (model, objectives) for n, p in part.named_parameters() if p.grad is None]
    assert idle == []


def test_stem_once_per_step_and_message_passing_once_per_view(monkeypatch):
    model, objectives = recipe("srmil", in_channels=6, classes=CLASSES).build()
    rows, passes = [], []
    stem, embed = model.encoder.stem, model.encoder.embed
    monkeypatch.setattr(model.encoder, "stem", lambda x: rows.append(len(x)) or stem(x))
    count = lambda seen, nodes: passes.append(len(seen.h)) or embed(seen, nodes=nodes)  # noqa: E731
    monkeypatch.setattr(model.encoder, "embed", count)
    objectives(model, batch(), target=TARGET)
    assert sorted(rows) == [1, 18]  # all patches once; the mask token, one row, once
    assert passes == [18, 18]  # clean, masked: three terms share two passes


def test_given_masks_are_used_and_the_masked_terms_share_one():
    model, objectives = recipe("srmil", in_channels=6, classes=CLASSES).build()
    mask = torch.arange(18) % 2 == 0
    loss = objectives(model, batch(), target=TARGET, masks={"masked": mask})
    assert torch.equal(loss.views["masked"].mask, mask)
    assert loss.views["clean"].mask is None


def test_weights_follow_their_schedules():
    base = recipe("abmil", in_channels=6, classes=CLASSES)
    method = base.with_settings({"terms.ce.weight": 1.0, "terms.ce.weight_end": 0.0, "optimiser.epochs": 5})
    model, objectives = method.build()
    model.eval()
    losses = [objectives(model, batch(), target=TARGET, epoch=e) for e in (0, 2, 4)]
    ratios = [(loss.total / loss.terms["ce"]).item() for loss in losses]
    assert ratios == pytest.approx([1.0, 0.5, 0.0])


def test_terms_and_weights_must_match():
    with pytest.raises(RecipeError, match=r"expected weights for \[\], got \['ce'\]"):
        Objectives({}, {"ce": Schedule(1.0)}, epochs=1)


def test_further_views_can_be_asked_for():
    model, objectives = recipe("abmil", in_channels=6, classes=CLASSES).build()
    model.eval()
    loss = objectives(model, batch(), target=TARGET, also={"clean": ("bag",)})
    assert torch.equal(loss.views["clean"].head("bag").logits, model(batch()).head("bag").logits)


def test_no_term_reaches_for_a_model():
    for name in Objective.registry.names():
        assert all(isinstance(need, Need) for need in _needs(name))


def _needs(name):
    part = Objective.registry.get(name)
    return part(example_sizes(part.num_outputs or 3)).needs
