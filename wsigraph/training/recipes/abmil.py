"""Gated attention MIL on the set of patches: the first baseline."""

from __future__ import annotations

from wsigraph.training.recipe import RECIPES, Recipe


def abmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, weigh by gated attention, classify the sum.

    Source: Ilse et al. 2018 (gated variant). Differs: a linear embedding of frozen features (512, dropout
    .25) instead of a convolutional one; the same optimiser and checkpoint rule as the other recipes here.
    """
    return Recipe.from_dict(
        {
            "name": "abmil",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "edgeless"},
            "self_loops": False,
            "encoder": {"name": "mlp", "hidden_channels": 512, "dropout": 0.25},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gated_attention", "hidden_channels": 128, "dropout": 0.25},
                    "hidden_channels": 0,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )


RECIPES.add("abmil", abmil)
