"""The classifier of ItS2CLR: DSMIL, learned from pairs of slides without a ranking."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.hnm import pairs_recipe

BIBTEX = """@inproceedings{liu2023multiple,
  title     = {Multiple Instance Learning via Iterative Self-Paced Supervised Contrastive Learning},
  author    = {Liu, Kangning and Zhu, Weicheng and Shen, Yiqiu and Liu, Sheng and Razavian, Narges
               and Geras, Krzysztof J. and Fernandez-Granda, Carlos},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2023},
  note      = {arXiv:2210.09452}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="DSMIL for the loop that fine-tunes on all negative patches",
    equation=r"\tfrac12 \mathrm{CE}_{bag} + \tfrac12 \mathrm{BCE}(\max_i s_i)",
    bibtex=BIBTEX,
)
def its2clr(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """``hnm`` without its ranking; ``wsigraph mine`` takes all patches of negative slides with it.

    Source: Liu et al. 2023, and the base of Huang et al. 2024. Differs: as ``hnm``; pairs of slides, so that
    the ranking is all that differs.
    """
    return pairs_recipe("its2clr", in_channels=in_channels, classes=classes, ranking=None)
