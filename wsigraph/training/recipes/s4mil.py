"""S4 over the patches of a slide, then their maximum."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{fillioux2023structured,
  title     = {Structured State Space Models for Multiple Instance Learning in Digital Pathology},
  author    = {Fillioux, Leo and Boyd, Joseph and Vakalopoulou, Maria and Courn{\\`e}de, Paul-Henry
               and Christodoulidis, Stergios},
  booktitle = {Medical Image Computing and Computer Assisted Intervention (MICCAI)},
  year      = {2023},
  note      = {arXiv:2306.15789}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="A diagonal state space along the patches in raster order, then the maximum",
    equation=r"h_k = e^{\Delta a} h_{k-1} + \frac{e^{\Delta a} - 1}{a} x_k, \quad"
    r" y_k = 2\,\mathrm{Re}(w^\top h_k) + d x_k, \quad y = W \max_k \mathrm{GLU}(y_k)",
    bibtex=BIBTEX,
    not_exported="patches are put in raster order, and an exported program is given no positions",
)
def s4mil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, run a diagonal state space along them, keep each channel's maximum, classify.

    Source: Fillioux et al. 2023, and the authors' code (commit 1bdb039), with S4D of Gu et al. 2022. Differs:
    patches in raster order instead of the file's; the same optimiser and checkpoint rule as the other recipes
    here, for the state space's weights too.
    """
    return set_recipe(
        "s4mil",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "s4", "hidden_channels": 512, "states": 32},
        head={"name": "bag", "aggregator": {"name": "max"}, "hidden_channels": 0},
        terms={"ce": {"name": "cross_entropy"}},
    )
