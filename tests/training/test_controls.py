"""The same recipe under a control: nothing but the graph differs, and it builds."""

from __future__ import annotations

import pytest

from wsigraph.errors import RecipeError, UnknownPartError
from wsigraph.graph.base import GraphBuilder
from wsigraph.training.build import graph_builder
from wsigraph.training.control import Control, control, control_names
from wsigraph.training.recipe import Recipe, recipe, recipe_names


def make(name):
    return recipe(name, in_channels=8, classes=("a", "b"))


def test_every_control_says_what_it_keeps_and_drops():
    assert control_names() == ["edgeless", "feature_knn", "random_degree", "shuffled"]
    for name in control_names():
        part = Control.registry.get(name)
        assert part.keeps
        assert part.drops


@pytest.mark.parametrize("name", ["edgeless", "feature_knn", "random_degree", "shuffled"])
def test_nothing_but_the_graph_differs(name):
    one = make("srmil").with_settings({"graph.k": 6})
    changed = control(one, name, seed=7)
    builder = graph_builder(changed)
    assert builder.name == name
    assert changed.model_copy(update={"graph": one.graph}) == one
    assert Recipe.from_dict(changed.to_dict()) == changed  # as recipe.json holds it
    values = builder.to_dict()
    if name in ("random_degree", "shuffled"):
        inner = {"name": "knn", "k": 6, "ties": "keep", "max_steps": 3}
        assert values == {"name": name, "of": inner, "seed": 7}
    else:
        assert values == {"name": name, **({"k": 6} if name == "feature_knn" else {})}


def test_every_graph_method_can_be_put_under_every_control():
    refused = []
    for method in recipe_names():
        one = make(method)
        for name in control_names():
            try:
                assert isinstance(graph_builder(control(one, name)), GraphBuilder)
            except RecipeError:
                refused.append((method, name))
    sets = {method for method in recipe_names() if make(method).graph.name == "edgeless"}
    edges_only = {"edgeless", "feature_knn", "random_degree"}
    by_features = {("deepgraphconv", "feature_knn")}
    assert set(refused) == {(method, name) for method in sets for name in edges_only} | by_features


def test_what_cannot_be_is_refused_by_name():
    with pytest.raises(UnknownPartError, match=r"one of .*'shuffled'"):
        control(make("gin"), "shufled")
    with pytest.raises(
        RecipeError, match="Control 'edgeless' of recipe 'abmil': expected a graph with edges"
    ):
        control(make("abmil"), "edgeless")
    with pytest.raises(RecipeError, match="another graph than the control's"):
        control(control(make("gin"), "shuffled"), "shuffled")
