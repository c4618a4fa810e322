"""Double-tier feature distillation by the patches of highest and lowest probability."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{zhang2022dtfd,
  title     = {{DTFD-MIL}: Double-Tier Feature Distillation Multiple Instance Learning for Histopathology
               Whole Slide Image Classification},
  author    = {Zhang, Hongrun and Meng, Yanda and Zhao, Yitian and Qiao, Yihong and Yang, Xiaoyun
               and Coupland, Sarah E. and Zheng, Yalin},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2022},
  note      = {arXiv:2203.12081}
}"""
"""How to cite it."""

PSEUDO_BAGS = 5


def dtfd(name: str, distil: str, *, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Both recipes: they differ in the distillation alone."""
    return set_recipe(
        name,
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "mlp", "hidden_channels": 512, "dropout": 0.0},
        head={"name": "dtfd", "distil": distil, "pseudo_bags": PSEUDO_BAGS, "hidden_channels": 128},
        terms={
            "ce": {"name": "cross_entropy"},
            "ce_pseudo_bags": {
                "name": "branch_cross_entropy",
                "extra": "pseudo_logits",
                "branches": PSEUDO_BAGS,
            },
        },
        optimiser={"clip_norm": 5.0},
    )


@published(
    kind="set",
    title="Two tiers: pseudo-bags, then their patches of highest and lowest probability",
    equation=r"y_m = W \sum_{i \in m} a_i h_i, \quad p_i = \mathrm{softmax}(a_i W h_i), \quad"
    r" y = W' \sum_{i \in \mathrm{maxmin}_m p} a'_i h_i",
    bibtex=BIBTEX,
)
def dtfd_maxmins(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """DTFD-MIL with MaxMinS: two patches of each of 5 pseudo-bags make the second tier's bag.

    Source: Zhang et al. 2022, and the authors' code. Differs: the encoder's linear map has a bias; gradients
    are clipped at a norm of 5 over all weights instead of part by part; where nothing is trained pseudo-bags
    are dealt by attention instead of drawn, so that an answer is the same each time; ranked by the class
    that the pseudo-bag is given instead of the last class, the same with two classes; one optimiser (each
    tier still learns from its own loss alone) with the settings and checkpoint rule of the other recipes.
    """
    return dtfd("dtfd_maxmins", "maxmins", in_channels=in_channels, classes=classes)
