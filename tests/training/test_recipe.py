"""A recipe is one validated value: what it refuses, and what survives the way through JSON."""

from __future__ import annotations

import json

import pytest

from wsigraph.errors import RecipeError, UnknownPartError
from wsigraph.training.build import graph_builder
from wsigraph.training.recipe import Recipe, recipe, recipe_names

NAMES = recipe_names()


def srmil(**changes):
    base = recipe("srmil", in_channels=6, classes=["a", "b"])
    return base.with_settings(changes) if changes else base


@pytest.mark.parametrize("name", NAMES)
def test_json_round_trip(name):
    first = recipe(name, in_channels=6, classes=["a", "b", "c"])
    again = Recipe.from_dict(json.loads(json.dumps(first.to_dict())))
    assert again == first
    assert again.to_dict() == first.to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_bears_its_name_and_builds_its_graph_builder(name):
    first = recipe(name, in_channels=6, classes=["a", "b"])
    assert first.name == name
    assert graph_builder(first).name == first.graph.name


def test_a_recipe_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        srmil().in_channels = 7


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("nonsense", 1, "nonsense: Extra inputs are not permitted"),
        ("in_channels", 0, "in_channels: Input should be greater than 0"),
        ("classes", ["a"], r"heads need at least 2 classes, got \['a'\]"),
        ("classes", ["a", "a"], r"classes must differ, got \['a', 'a'\]"),
        ("optimiser", {"lr": -1.0}, "optimiser.lr: Input should be greater than 0"),
        ("optimiser", {"learning_rate": 0.1}, "optimiser.learning_rate: Extra inputs are not permitted"),
        ("sampler", {"slides_per_step": 0}, "sampler.slides_per_step"),
        ("checkpoint", {"monitor": "test_auc"}, "checkpoint.monitor"),
        ("encoder", {"heads": 4}, "encoder.name: Field required"),
    ],
)
def test_wrong_settings_are_named(key, value, sentence):
    with pytest.raises(RecipeError, match=f"Recipe: expected valid settings, got .*{sentence}"):
        Recipe.from_dict({**srmil().to_dict(), key: value})


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        (
            {"encoder.name": "gta"},
            UnknownPartError,
            r"Registry 'encoder': expected one of .*'gta'. Did you mean 'gat'",
        ),
        ({"encoder.depth": 3}, RecipeError, r"encoder 'gat': expected options among .*got \['depth'\]"),
        ({"graph.radius": 3}, RecipeError, r"graph builder 'knn': expected options among .*got \['radius'\]"),
        ({"views.masked.rate": 1.5}, RecipeError, "expected a rate between 0 and 1, got 1.5"),
        ({"views.masked.share": 0.5}, RecipeError, r"view 'masked': expected options .*got \['share'\]"),
        ({"heads.bag.aggregator.name": "mena"}, UnknownPartError, "Did you mean 'mean'"),
        ({"heads.bag.aggregator.width": 3}, RecipeError, r"aggregator 'gated_attention': .*got \['width'\]"),
        ({"terms.ce.head": "coarse"}, RecipeError, r"expected a head 'coarse', got heads \['bag'\]"),
        (
            {"terms.ce.view": "blurred"},
            RecipeError,
            r"expected a view 'blurred', got views \['clean', 'masked'\]",
        ),
        ({"terms.reconstruction.view": "clean"}, RecipeError, "expected a view 'clean' that masks"),
        ({"terms.ce.wieght": 3}, RecipeError, r"objective 'cross_entropy': .*got \['wieght'\]"),
        ({"predict_view": "blurred"}, RecipeError, "predict_view: expected one of"),
        (
            {"optimizer.lr": 0.1},
            RecipeError,
            r"expected a setting of \[.*'optimiser'.*\], got 'optimizer.lr'",
        ),
        ({"optimiser.lr": "fast"}, RecipeError, "optimiser.lr: Input should be a valid number"),
        ({"optimiser.lr.x": 1}, RecipeError, "got 'optimiser.lr.x'"),
        ({"nothing": 1}, RecipeError, "nothing: Extra inputs are not permitted"),
    ],
)
def test_settings_that_cannot_be(changes, error, sentence):
    with pytest.raises(error, match=sentence):
        srmil(**changes)


def test_settings_that_can():
    changed = srmil(
        **{
            "optimiser.lr": "1e-3",
            "graph.k": "6",
            "views.masked.rate": 0.5,
            "checkpoint.monitor": "last",
            "optimiser.clip_norm": "1.0",
            "heads.bag.aggregator.name": "gated_attention",
        }
    )
    assert changed.optimiser.lr == 1e-3
    assert changed.graph.options["k"] == 6
    assert changed.checkpoint.monitor == "last"
    assert changed.build()[0].views["masked"].rate == 0.5
    assert srmil().optimiser.lr == 5e-4  # the first is left as it was


def test_a_variant_differs_in_one_field():
    one, other = srmil().to_dict(), srmil(**{"optimiser.epochs": 3}).to_dict()
    assert {key for key in one if one[key] != other[key]} == {"optimiser"}


def test_unknown_recipes_list_those_there_are():
    with pytest.raises(
        UnknownPartError, match=r"Registry 'recipe': expected one of \[.*'abmil'.*\], got 'srml'"
    ):
        recipe("srml", in_channels=6, classes=["a", "b"])


def test_srmil_defaults_are_the_table():
    method = recipe("srmil", in_channels=1024, classes=["a", "b"])
    assert (method.graph.name, method.graph.options["k"], method.self_loops) == ("knn", 8, True)
    assert {n: t.weight for n, t in method.terms.items()} == {
        "ce": 0.2,
        "ce_masked": 0.2,
        "reconstruction": 1.8,
    }
    assert (method.optimiser.lr, method.optimiser.weight_decay, method.optimiser.epochs) == (5e-4, 1e-5, 100)
    assert (method.optimiser.schedule, method.sampler.slides_per_step) == ("cosine", 1)
    assert (method.checkpoint.monitor, method.checkpoint.patience) == ("val_loss", 20)
