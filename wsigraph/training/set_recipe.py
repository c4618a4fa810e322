"""What recipes of set methods share: patches without edges, one clean view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsigraph.training.recipe import Recipe

EMBEDDING = {"name": "mlp", "hidden_channels": 512, "dropout": 0.25}
"""A linear layer to 512, ReLU and dropout, as CLAM (Lu et al. 2021) embeds frozen features."""


def set_recipe(
    name: str,
    *,
    in_channels: int,
    classes: tuple[str, ...],
    head: Mapping[str, Any],
    terms: Mapping[str, Mapping[str, Any]],
    encoder: Mapping[str, Any] = EMBEDDING,
    optimiser: Mapping[str, Any] | None = None,
) -> Recipe:
    """A recipe that reads no edges and one view of each slide, ``"clean"``, with one head, ``"bag"``.

    Args:
        name: Name of the recipe.
        in_channels: Width of the features.
        classes: Class names.
        head: The head by name, with its options.
        terms: Terms of the loss by name, with their options and weights.
        encoder: The encoder by name, with its options.
        optimiser: Settings that differ from those of the other recipes.
    """
    return Recipe.from_dict(
        {
            "name": name,
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "edgeless"},
            "self_loops": False,
            "encoder": dict(encoder),
            "views": {"clean": {"name": "clean"}},
            "heads": {"bag": dict(head)},
            "terms": {term: dict(options) for term, options in terms.items()},
            "optimiser": dict(optimiser or {}),
        }
    )
