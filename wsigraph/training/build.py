"""From a recipe to a model and its objectives, refusing early what cannot work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from wsigraph.errors import RecipeError, expected
from wsigraph.graph.base import GraphBuilder
from wsigraph.models.mil_model import MILModel
from wsigraph.models.view_order import has_supernodes, masks
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.heads.base import Head
from wsigraph.nn.schedule import Schedule
from wsigraph.nn.standardise import AsIs, Standardise
from wsigraph.nn.views.base import View
from wsigraph.objectives.base import Need, Objective, Sizes
from wsigraph.objectives.objectives import Objectives
from wsigraph.training.check_task import check_task
from wsigraph.training.head_levels import head_levels, without_level
from wsigraph.training.recipe import PartSettings, Recipe
from wsigraph.training.samplers.base import SlideSampler


def build(recipe: Recipe, *, seed: int = 0) -> tuple[MILModel, Objectives]:
    """A new model and its objectives, weights drawn from ``seed``; global random state is left alone.

    Raises: RecipeError: if a part is unknown, takes no such option, or cannot give what a term needs.
    """
    builder = graph_builder(recipe)
    sampler = slide_sampler(recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        levels = head_levels(recipe)
        model = _model(recipe, levels)
        sizes = _sizes(recipe, model, levels)
        terms = {name: _make(Objective, part, sizes) for name, part in recipe.terms.items()}
    weights = {
        name: Schedule(part.weight, part.weight_end, part.weight_shape) for name, part in recipe.terms.items()
    }
    objectives = Objectives(terms, weights, epochs=recipe.optimiser.epochs)
    for need in objectives.needs:
        _check_need(recipe, model, need)
    check_task(recipe, model, objectives, sampler)
    if not recipe.coordinates:
        _refuse_coordinates(recipe, builder, model)
    return model, objectives


def graph_builder(recipe: Recipe) -> GraphBuilder:
    """The recipe's graph builder."""
    return _make(GraphBuilder, recipe.graph)


def num_outputs(recipe: Recipe, level: int | None = None) -> int:
    """Outputs of the recipe's heads, or of one that answers a level of a label tree."""
    task = recipe.make_task()
    tree = task.label_tree
    return task.num_outputs(recipe.classes) if tree is None or level is None else len(tree.names(level))


def slide_sampler(recipe: Recipe) -> SlideSampler:
    """The recipe's sampler.

    Raises: RecipeError: if its options cannot be, or it asks label-free pretraining for classes.
    """
    sampler: SlideSampler = _make(SlideSampler, recipe.sampler, recipe.sampler.slides_per_step)
    if sampler.reads_classes and not recipe.classifies:
        where = f"Recipe '{recipe.name}'"
        todo = "Label-free pretraining reads no labels."
        raise RecipeError(expected(where, "a sampler that reads no classes", f"'{sampler.name}'", todo=todo))
    return sampler


def _sizes(recipe: Recipe, model: MILModel, levels: Mapping[str, int]) -> Sizes:
    """What terms are told of the model."""
    heads: Mapping[str, Head] = dict(model.heads.items())  # type: ignore[arg-type]
    return Sizes(
        recipe.in_channels,
        model.encoder.out_channels,
        num_outputs(recipe),
        tree=recipe.make_task().label_tree,
        levels=levels,
        class_channels={name: head.class_channels for name, head in heads.items() if head.class_channels},
    )


def _model(recipe: Recipe, levels: Mapping[str, int]) -> MILModel:
    encoder = _make(Encoder, recipe.encoder, recipe.in_channels)
    return MILModel(
        encoder,
        views={name: _make(View, part, recipe.in_channels) for name, part in recipe.views.items()},
        heads={
            name: _make(
                Head, without_level(part), encoder.out_channels, num_outputs(recipe, levels.get(name))
            )
            for name, part in recipe.heads.items()
        },
        predict_view=recipe.predict_view,
        standardise=Standardise(recipe.in_channels) if recipe.standardise else AsIs(),
    )


def _make(family: Any, part: PartSettings, *arguments: Any) -> Any:
    family.registry.check(part.name, part.options)
    try:
        return family.registry.get(part.name)(*arguments, **part.options)
    except TypeError as error:
        raise RecipeError(
            expected(f"{family.registry.family} '{part.name}'", "valid options", f"{part.options} ({error})")
        ) from error


def _refuse_coordinates(recipe: Recipe, builder: GraphBuilder, model: MILModel) -> None:
    """Features without coordinates: no part may read them."""
    readers = [f"graph builder '{builder.name}'"] if builder.uses_coords else []
    readers += [f"encoder '{model.encoder.name}'"] if model.encoder.uses_pos else []
    readers += [f"head '{name}'" for name, head in model.heads.items() if head.uses_pos]
    if readers:
        raise RecipeError(
            expected(
                f"Recipe '{recipe.name}'",
                "features with coordinates",
                f"none, but {', '.join(readers)} reads them",
                todo="Set methods need none, see 'wsigraph models'.",
            )
        )


def _check_need(recipe: Recipe, model: MILModel, need: Need) -> None:
    where = f"Recipe '{recipe.name}'"
    if need.view not in recipe.views:
        raise RecipeError(expected(where, f"a view '{need.view}'", f"views {sorted(recipe.views)}"))
    views: Mapping[str, View] = dict(model.views.items())  # type: ignore[arg-type]
    if need.head is None:
        if need.field == "mask" and not masks(views, need.view):
            raise RecipeError(expected(where, f"a view '{need.view}' that masks", "one that masks nothing"))
        return
    if need.head not in recipe.heads:
        raise RecipeError(expected(where, f"a head '{need.head}'", f"heads {sorted(recipe.heads)}"))
    head: Head = model.heads[need.head]  # type: ignore[assignment]
    gives = set(head.gives)
    if head.reads == "supernodes":
        if not has_supernodes(views, need.view):
            raise RecipeError(
                expected(where, f"supernodes in view '{need.view}' for head '{need.head}'", "none")
            )
        gives |= {"attention"} if model.encoder.gives_attention else set()
    if need.field not in gives:
        raise RecipeError(expected(where, f"'{need.field}' from head '{need.head}'", f"only {sorted(gives)}"))
