"""What the recipes of plain graph networks share: everything but the message passing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsigraph.training.recipe import Recipe


def gnn_recipe(
    name: str, options: Mapping[str, Any], *, in_channels: int, classes: tuple[str, ...]
) -> Recipe:
    """Two layers of one kind on the k-NN graph, under the gated pool and the linear classifier of ``abmil``.

    Args:
        name: Name of the recipe and of its encoder.
        options: Options that only this encoder has.
        in_channels: Width of the features.
        classes: Class names.
    """
    encoder = {"name": name, "hidden_channels": 256, "num_layers": 2, "feature_dropout": 0.25, **options}
    pool = {"name": "gated_attention", "hidden_channels": 128, "dropout": 0.25}
    return Recipe.from_dict(
        {
            "name": name,
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "encoder": encoder,
            "views": {"clean": {"name": "clean"}},
            "heads": {"bag": {"name": "bag", "aggregator": pool, "hidden_channels": 0}},
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
