"""The mean patch and a linear classifier: the least that a method must beat."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@article{wang2018revisiting,
  title   = {Revisiting multiple instance neural networks},
  author  = {Wang, Xinggang and Yan, Yongluan and Tang, Peng and Bai, Xiang and Liu, Wenyu},
  journal = {Pattern Recognition},
  volume  = {74},
  pages   = {15--24},
  year    = {2018},
  note    = {arXiv:1610.02501}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Mean of the patches, then a linear classifier",
    equation=r"y = W\, \frac1n \sum_i x_i + b",
    bibtex=BIBTEX,
)
def mean_pool(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Average the features, classify the average by one linear layer.

    Source: mean pooling of MI-Net (Wang et al. 2018). Differs: the pool reads the features as they are,
    without layers before it; the same optimiser and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "mean_pool",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "identity"},
        head={"name": "bag", "aggregator": {"name": "mean"}, "hidden_channels": 0},
        terms={"ce": {"name": "cross_entropy"}},
    )
