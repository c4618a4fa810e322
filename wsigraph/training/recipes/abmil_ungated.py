"""Attention MIL without a gate."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.abmil import BIBTEX
from wsigraph.training.set_recipe import set_recipe


@published(
    kind="set",
    title="Attention without a gate over the set of patches",
    equation=r"a_i = \mathrm{softmax}_i\, w^\top \tanh V h_i, \quad y = W \sum_i a_i h_i",
    bibtex=BIBTEX,
)
def abmil_ungated(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, weigh by attention, classify the sum.

    Source: Ilse et al. 2018 (eq. 8). Differs: a linear embedding of frozen features (512, dropout .25)
    instead of a convolutional one; the same optimiser and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "abmil_ungated",
        in_channels=in_channels,
        classes=classes,
        head={
            "name": "bag",
            "aggregator": {"name": "attention", "hidden_channels": 128, "dropout": 0.25},
            "hidden_channels": 0,
        },
        terms={"ce": {"name": "cross_entropy"}},
    )
