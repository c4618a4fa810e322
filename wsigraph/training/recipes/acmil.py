"""Attention-challenging MIL."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{zhang2024attention,
  title     = {Attention-Challenging Multiple Instance Learning for Whole Slide Image Classification},
  author    = {Zhang, Yunlong and Li, Honglin and Sun, Yuxuan and Zheng, Sunyi and Zhu, Chenglu
               and Yang, Lin},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2024},
  note      = {arXiv:2311.07125}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Five gated attentions kept apart, their highest patches hidden at random while training",
    equation=r"\mathrm{CE}\bigl(W \sum_i \bar a_i h_i\bigr) + \tfrac15 \sum_m \mathrm{CE}\bigl(W_m \sum_i"
    r" a_{im} h_i\bigr) + \tfrac{1}{10} \sum_{m<n} \cos(a_m, a_n)",
    bibtex=BIBTEX,
)
def acmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Multiple branch attention with 5 branches, stochastic masking of .6 of the top 10 patches.

    Source: Zhang et al. 2024, and the authors' code. Differs: the embedding of recipe abmil (512, dropout
    .25) and its dropout in the gate, where the code halves the features' width and drops nothing; the top 10
    that the authors name, where their training script hands over the number of branches in its place; the
    same optimiser and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "acmil",
        in_channels=in_channels,
        classes=classes,
        head={
            "name": "acmil",
            "branches": 5,
            "hidden_channels": 128,
            "dropout": 0.25,
            "top": 10,
            "top_dropped": 0.6,
        },
        terms={
            "ce": {"name": "cross_entropy"},
            "ce_branches": {"name": "branch_cross_entropy", "extra": "branch_logits", "branches": 5},
            "attention_diversity": {"name": "attention_diversity"},
        },
    )
