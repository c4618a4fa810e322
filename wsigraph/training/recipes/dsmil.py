"""Dual-stream MIL."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{li2021dual,
  title     = {Dual-stream Multiple Instance Learning Network for Whole Slide Image Classification
               with Self-supervised Contrastive Learning},
  author    = {Li, Bin and Li, Yin and Eliceiri, Kevin W.},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {14318--14328},
  year      = {2021},
  note      = {arXiv:2011.08939}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Highest patch of each class, and all patches by their likeness to it",
    equation=r"m_c = \arg\max_i w_c^\top x_i, \quad a_{ic} = \mathrm{softmax}_i\,"
    r" q_i^\top q_{m_c} / \sqrt{128},"
    r" \quad y = \tfrac12 \bigl(w_c^\top x_{m_c} + W [\textstyle\sum_i a_{ic} v_i]_c\bigr)",
    bibtex=BIBTEX,
)
def dsmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Two streams on the features, each with half of the loss.

    Source: Li et al. 2021, and the authors' code. Differs: one class of K by softmax instead of a sigmoid for
    each, linear queries and values, no multiscale pyramid of features; AdamW (1e-4, weight decay 1e-5)
    instead of Adam, and the same schedule and checkpoint rule as the other recipes here.
    """
    return set_recipe(
        "dsmil",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "identity"},
        head={"name": "dsmil", "query_channels": 128},
        terms={
            stream: {"name": "branch_cross_entropy", "extra": stream, "branches": 1, "weight": 0.5}
            for stream in ("instance_stream", "bag_stream")
        },
        optimiser={"lr": 1e-4},
    )
