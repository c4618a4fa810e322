"""CLAM with one attention branch."""

from __future__ import annotations

from typing import Any

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@article{lu2021data,
  title   = {Data-efficient and weakly supervised computational pathology on whole-slide images},
  author  = {Lu, Ming Y. and Williamson, Drew F. K. and Chen, Tiffany Y. and Chen, Richard J.
             and Barbieri, Matteo and Mahmood, Faisal},
  journal = {Nature Biomedical Engineering},
  volume  = {5},
  pages   = {555--570},
  year    = {2021},
  doi     = {10.1038/s41551-020-00682-w}
}"""
"""How to cite it."""


def clam_terms(classes: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """.7 of the slide's loss and .3 of the patches'; more than two classes count as exclusive subtypes."""
    return {
        "ce": {"name": "cross_entropy", "weight": 0.7},
        "instance": {"name": "clam_instance", "k": 8, "subtyping": len(classes) > 2, "weight": 0.3},
    }


@published(
    kind="set",
    title="Gated attention; its most and least attended patches are examples for a classifier of patches",
    equation=r"0.7\, \mathrm{CE}(W \sum_i a_i h_i, t) + \frac{0.3}{2k} \Bigl( \sum_{i \in \mathrm{top}_k}"
    r" \mathrm{SVM}(W_t h_i, 1) + \sum_{i \in \mathrm{bottom}_k} \mathrm{SVM}(W_t h_i, 0) \Bigr)",
    bibtex=BIBTEX,
)
def clam_sb(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """CLAM's single-branch model with the smooth top-1 SVM loss on 8 + 8 patches.

    Source: Lu et al. 2021, and the authors' code (its small model). Differs: patches that other classes
    attend to are negatives where there are more than two classes, and otherwise only with
    ``--set terms.instance.subtyping=true``; dropout once, on the product of the two branches of the gate;
    the same optimiser and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "clam_sb",
        in_channels=in_channels,
        classes=classes,
        head={
            "name": "bag",
            "aggregator": {"name": "gated_attention", "hidden_channels": 256, "dropout": 0.25},
            "hidden_channels": 0,
        },
        terms=clam_terms(classes),
    )
