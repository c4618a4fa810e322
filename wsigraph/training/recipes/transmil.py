"""TransMIL: a class token attends to all patches through landmarks."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{shao2021transmil,
  title     = {{TransMIL}: Transformer based Correlated Multiple Instance Learning
               for Whole Slide Image Classification},
  author    = {Shao, Zhuchen and Bian, Hao and Chen, Yang and Wang, Yifeng and Zhang, Jian and Ji, Xiangyang
               and Zhang, Yongbing},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2021},
  note      = {arXiv:2106.00908}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Class token, Nystrom attention and position encoding over a square of patches",
    equation=r"\mathrm{softmax}(Q \tilde K^\top)\, \mathrm{softmax}(\tilde Q \tilde K^\top)^{+}\,"
    r" \mathrm{softmax}(\tilde Q K^\top)\, V",
    bibtex=BIBTEX,
    not_exported="patches are put in raster order, and an exported program is given no positions",
)
def transmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, let a class token attend to all through landmarks, twice, and classify the token.

    Source: Shao et al. 2021, and the authors' code (commit 0db1535). Differs: AdamW with a cosine instead of
    Lookahead over RAdam, at the authors' 2e-4 and 1e-5, one slide per step instead of two accumulated;
    patches in raster order instead of the file's; no zero rows in the attention, and exact attention where a
    slide has fewer patches than landmarks; each head's pseudo-inverse scaled by itself.
    """
    return set_recipe(
        "transmil",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "mlp", "hidden_channels": 512, "dropout": 0.0},
        head={
            "name": "bag",
            "aggregator": {"name": "transmil", "heads": 8, "landmarks": 256, "dropout": 0.1},
            "hidden_channels": 0,
        },
        terms={"ce": {"name": "cross_entropy"}},
        optimiser={"lr": 2e-4, "weight_decay": 1e-5},
    )
