"""A plain transformer over the patches of a slide."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@article{wagner2023transformer,
  title   = {Transformer-based biomarker prediction from colorectal cancer histology:
             A large-scale multicentric study},
  author  = {Wagner, Sophia J. and Reisenb{\\"u}chler, Daniel and West, Nicholas P. and others},
  journal = {Cancer Cell},
  volume  = {41},
  number  = {9},
  pages   = {1650--1661},
  year    = {2023}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Class token and full self-attention over the set of patches",
    equation=r"T' = T + \mathrm{MHSA}(\mathrm{LN}\, T), \quad T + \mathrm{MLP}(\mathrm{LN}\, T'),"
    r" \quad y = W\, \mathrm{LN}(T_L)_{token}",
    bibtex=BIBTEX,
)
def transformer(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, let a class token and all patches attend to each other, classify the token.

    Time grows with the square of a slide's patches, memory with the patches.

    Source: Wagner et al. 2023, and the authors' code (HistoBistro, commit 04422f1). Differs: one LayerNorm
    before the classifier where theirs has two in a row; a softmax over the classes instead of one logit; up
    to 100 epochs with early stopping instead of 8.
    """
    return set_recipe(
        "transformer",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "mlp", "hidden_channels": 512, "dropout": 0.0},
        head={
            "name": "bag",
            "aggregator": {"name": "transformer", "num_layers": 2, "heads": 8, "widening": 1},
            "hidden_channels": 0,
        },
        terms={"ce": {"name": "cross_entropy"}},
        optimiser={"lr": 2e-5, "weight_decay": 2e-5, "schedule": "constant"},
    )
