"""ILRA-MIL: attention of low rank through learned latents."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{xiang2023exploring,
  title     = {Exploring Low-Rank Property in Multiple Instance Learning
               for Whole Slide Image Classification},
  author    = {Xiang, Jinxi and Zhang, Jun},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2023}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Iterative low-rank attention: patches and learned latents ask each other",
    equation=r"X_{l+1} = \mathrm{GatedMHA}(X_l,\, \mathrm{GatedMHA}(L_l, X_l)),"
    r" \quad y = W\, \mathrm{MHA}(s, X)",
    bibtex=BIBTEX,
)
def ilra(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Mix a slide through 64 latents, twice, pool by attention of one learned vector, classify.

    Source: Xiang and Zhang 2023, and the authors' code (commit 35e4e94). Differs: the low-rank constraint,
    which the paper puts on the contrastive pretraining of its patch encoder, is no part of it: features are
    frozen; 64 latents where the released configuration has 1, with which all patches hear the same; keys and
    values projected once instead of twice in a row; weights start as torch draws them.
    """
    return set_recipe(
        "ilra",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "identity"},
        head={
            "name": "bag",
            "aggregator": {
                "name": "ilra",
                "hidden_channels": 256,
                "num_layers": 2,
                "latents": 64,
                "heads": 8,
            },
            "hidden_channels": 0,
        },
        terms={"ce": {"name": "cross_entropy"}},
        optimiser={"lr": 1e-4, "weight_decay": 0.0},
    )
