"""The classifier of HNM-WSI's code: the ranking is on logits."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.hnm import BIBTEX, pairs_recipe


@published(
    kind="set",
    title="DSMIL with the best patches of pairs of slides ranked by logit, as HNM-WSI's code has it",
    equation=r"\tfrac12 \mathrm{CE}_{bag} + \tfrac12 \mathrm{BCE}(\max_i s_i) + 0.1 \max(0, 1"
    r" - \overline{\mathrm{top}_{10}}\, s^+ + \overline{\mathrm{top}_{10}}\, s^-)",
    bibtex=BIBTEX,
)
def hnm_code(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """``hnm`` with the margin on logits, where growing weights alone can meet it; 20 % of the negatives.

    Source: the authors' code, as far as it is known: it cannot be run as released, so there are no golden
    numbers. Differs: as ``hnm``; checkpoint and threshold are picked on validation slides, where the code
    picks them on the test slides; K and the weights are the paper's, with which notes on the code agree.
    """
    return pairs_recipe("hnm_code", in_channels=in_channels, classes=classes, ranking={"scale": "logits"})
