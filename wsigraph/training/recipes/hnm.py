"""The classifier of HNM-WSI: DSMIL with a ranking of pairs of slides, on probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{huang2024hard,
  title     = {Hard Negative Sample Mining for Whole Slide Image Classification},
  author    = {Huang, Wentao and Hu, Xiaoling and Abousamra, Shahira and Prasanna, Prateek and Chen, Chao},
  booktitle = {Medical Image Computing and Computer Assisted Intervention (MICCAI)},
  year      = {2024},
  note      = {arXiv:2410.02212}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="DSMIL with the best patches of pairs of slides ranked by probability",
    equation=r"\tfrac12 \mathrm{CE}_{bag} + \tfrac12 \mathrm{BCE}(\max_i s_i) + 0.1 \max(0, 1"
    r" - \overline{\mathrm{top}_{10}}\, \sigma(s^+) + \overline{\mathrm{top}_{10}}\, \sigma(s^-))",
    bibtex=BIBTEX,
)
def hnm(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Two streams, each with half of the loss, and a tenth of the ranking; a pair of slides per step.

    Of two classes the first is the background: a slide is of it where no patch shows the other one. Of more,
    each shows in patches, and each is scored by itself. ``wsigraph mine`` runs the loop around this
    classifier; ``wsigraph train`` trains it alone, without mining.

    Source: Huang et al. 2024; DSMIL, Li et al. 2021. Differs: more than two classes; the bag's cross-entropy
    is of one class of K by softmax; AdamW (1e-4, weight decay 1e-5) instead of Adam, and the same schedule
    and checkpoint rule as the other recipes here, on validation slides.
    """
    return pairs_recipe("hnm", in_channels=in_channels, classes=classes, ranking={"scale": "probabilities"})


def pairs_recipe(
    name: str, *, in_channels: int, classes: tuple[str, ...], ranking: Mapping[str, Any] | None
) -> Recipe:
    """DSMIL learned from pairs of slides.

    Args:
        name: Name of the recipe.
        in_channels: Width of the features.
        classes: Class names; the first of two is the background.
        ranking: Options of the ranking, None leaves the term out.
    """
    background = 0 if len(classes) == 2 else None
    patches = {"background": background, "odds": "softmax" if len(classes) == 2 else "each"}
    terms: dict[str, dict[str, Any]] = {
        "bag": {"name": "branch_cross_entropy", "extra": "bag_stream", "branches": 1, "weight": 0.5},
        "max_instance": {"name": "max_instance", **patches, "weight": 0.5},
    }
    if ranking is not None:
        terms["ranking"] = {"name": "ranking", **patches, "k": 10, **ranking, "weight": 0.1}
    one = set_recipe(
        name,
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "identity"},
        head={"name": "dsmil", "query_channels": 128, "background": background},
        terms=terms,
        optimiser={"lr": 1e-4},
    )
    return Recipe.from_dict({**one.to_dict(), "sampler": {"name": "pairs", "slides_per_step": 2}})
