"""The largest value of each channel and a linear classifier."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.mean_pool import BIBTEX
from wsigraph.training.set_recipe import set_recipe


@published(
    kind="set",
    title="Largest value of each channel, then a linear classifier",
    equation=r"y = W z + b, \quad z_c = \max_i x_{ic}",
    bibtex=BIBTEX,
)
def max_pool(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Take the maximum of each channel, classify the maxima by one linear layer.

    Source: max pooling of MI-Net (Wang et al. 2018). Differs: the pool reads the features as they are,
    without layers before it; the same optimiser and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "max_pool",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "identity"},
        head={"name": "bag", "aggregator": {"name": "max"}, "hidden_channels": 0},
        terms={"ce": {"name": "cross_entropy"}},
    )
