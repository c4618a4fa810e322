"""Gated attention MIL whose attention is kept from a few patches."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@misc{zhang2024aem,
  title         = {{AEM}: Attention Entropy Maximization for Multiple Instance Learning based
                   Whole Slide Image Classification},
  author        = {Zhang, Yunlong and Li, Honglin and Sun, Yuxuan and Shui, Zhongyi and Li, Jingxiong
                   and Zhu, Chenglu and Yang, Lin},
  year          = {2024},
  eprint        = {2406.15303},
  archivePrefix = {arXiv},
  primaryClass  = {cs.CV}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Gated attention whose entropy is kept high",
    equation=r"\mathrm{CE} + 0.1 \bigl(\log n + \sum_i a_i \log a_i\bigr)",
    bibtex=BIBTEX,
)
def aem(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Gated attention MIL, as recipe ``abmil``, with the negative entropy of the attention in the loss.

    Source: Zhang et al. 2024, and the authors' code. Differs: a constant weight of .1, as in the code, where
    later versions of the paper let it follow a cosine; log n in the term, which changes no gradient; the
    embedding of recipe abmil (512, dropout .25), so that only the entropy differs from it; the same
    optimiser and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "aem",
        in_channels=in_channels,
        classes=classes,
        head={
            "name": "bag",
            "aggregator": {"name": "gated_attention", "hidden_channels": 128, "dropout": 0.25},
            "hidden_channels": 0,
        },
        terms={
            "ce": {"name": "cross_entropy"},
            "attention_entropy": {"name": "attention_entropy", "weight": 0.1},
        },
    )
