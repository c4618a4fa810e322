"""CLAM with an attention branch for each class."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.clam_sb import BIBTEX, clam_terms
from wsigraph.training.set_recipe import set_recipe


@published(
    kind="set",
    title="Gated attention and a classifier for each class, with CLAM's loss on patches",
    equation=r"y_c = v_c^\top \sum_i a_{ic} h_i, \quad"
    r" a_{ic} = \mathrm{softmax}_i\, w_c^\top (\tanh V h_i \odot \sigma(U h_i))",
    bibtex=BIBTEX,
)
def clam_mb(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """CLAM's multi-branch model with the smooth top-1 SVM loss on 8 + 8 patches of the class's branch.

    Source: Lu et al. 2021, and the authors' code (its small model). Differs: as recipe clam_sb.
    """
    return set_recipe(
        "clam_mb",
        in_channels=in_channels,
        classes=classes,
        head={"name": "class_attention", "hidden_channels": 256, "dropout": 0.25},
        terms=clam_terms(classes),
    )
