"""What is there to choose from: recipes and registered parts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from wsigraph.data.tasks.base import Task
from wsigraph.errors import RecipeError
from wsigraph.graph.base import GraphBuilder
from wsigraph.nn.aggregators.base import Aggregator
from wsigraph.nn.encoders.base import Encoder
from wsigraph.nn.heads.base import Head
from wsigraph.nn.masks.base import MaskDraw
from wsigraph.nn.views.base import View
from wsigraph.objectives.base import Objective
from wsigraph.objectives.targets.base import Target
from wsigraph.patches.encoder import PatchEncoder
from wsigraph.pipelines.benchmark.suite import Suite
from wsigraph.synthetic.dial import Arrangement
from wsigraph.training.catalog import Entry, catalog
from wsigraph.training.control import Control
from wsigraph.training.recipe import Recipe, recipe, recipe_names

TREE = {"levels": ["group", "class"], "classes": [["x", "y"], ["a", "b", "c"]], "parents": [["x", "x", "y"]]}
"""A label tree to ask about."""

WIDTH = 1024
"""Channels of the features that parameters are counted for."""


def inventory() -> dict[str, Any]:
    """Recipes as a list, and the names of the parts of each family, own ones included."""
    parts = (GraphBuilder, Encoder, Aggregator, Head, View, MaskDraw, Objective, Target, PatchEncoder)
    families = (*parts, Control, Suite, Arrangement)
    known = catalog()
    return {
        "recipes": [_describe(name, known.get(name)) for name in recipe_names()],
        "parts": {family.registry.family: family.registry.names() for family in families},
    }


def _describe(name: str, entry: Entry | None) -> dict[str, Any]:
    """One recipe; a third party's need not be published."""
    one = recipe(name, in_channels=WIDTH, classes=("a", "b"))
    facts = asdict(entry) if entry is not None else {"name": name, "kind": "own", "title": ""}
    citation = facts.pop("bibtex", "")
    return {**facts, "tasks": _tasks(one), "parameters": _parameters(one), "citation": citation}


def _tasks(one: Recipe) -> list[str]:
    """Tasks that the recipe can be built for."""
    if not one.classifies:
        return ["pretraining"]
    return [task for task in Task.registry.names() if _can_be_asked(one.name, task)]


def _can_be_asked(name: str, task: str) -> bool:
    options: dict[str, Any] = {"name": task}
    classes: tuple[str, ...] = () if task in ("cox", "discrete_time") else ("a", "b", "c")
    if task == "hierarchy":
        options["tree"] = TREE
    try:
        with torch.device("meta"):  # shapes alone
            asked = recipe(name, in_channels=WIDTH, classes=classes, task=options)
            asked.build()
    except RecipeError:
        return False
    return asked.task.name == task  # a method over a tree makes one of classes


def _parameters(one: Recipe) -> int:
    """Weights of the network, without decoders and other parts of the loss, for two classes."""
    with torch.device("meta"):
        model, _ = one.build()
    return sum(weight.numel() for weight in model.parameters())
