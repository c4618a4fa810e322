"""R2T-MIL: regional transformer before gated attention."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.set_recipe import set_recipe

BIBTEX = """@inproceedings{tang2024feature,
  title     = {Feature Re-Embedding: Towards Foundation Model-Level Performance in Computational Pathology},
  author    = {Tang, Wenhao and Zhou, Fengtao and Huang, Sheng and Zhu, Xiang and Zhang, Yi and Liu, Bo},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2024},
  note      = {arXiv:2402.17228}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Attention inside and across the regions of a slide, then gated attention",
    equation=r"h' = h + \mathrm{softmax}(E + w * E)\, V \ \mathrm{in\ regions}, \quad"
    r" h'' = h' + \sum_k c_{pk}\, \mathrm{MHSA}(R_k), \quad y = W \sum_i a_i h''_i",
    bibtex=BIBTEX,
    not_exported="patches are put in raster order, and an exported program is given no positions",
)
def rrt(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, let it hear its region and then all regions, pool by gated attention, classify.

    Source: Tang et al. 2024, and the authors' code (commit 1ccae3e). Differs: gated attention where theirs
    is ungated; AdamW with the authors' 2e-4, 1e-5 and cosine, over 100 epochs instead of 200; patches in
    raster order instead of the file's; no zero rows in any attention; weights start as torch draws them.
    """
    return set_recipe(
        "rrt",
        in_channels=in_channels,
        classes=classes,
        encoder={"name": "rrt", "hidden_channels": 512, "heads": 8, "regions": 8, "kernel": 15, "sums": 3},
        head={
            "name": "bag",
            "aggregator": {"name": "gated_attention", "hidden_channels": 128},
            "hidden_channels": 0,
        },
        terms={"ce": {"name": "cross_entropy"}},
        optimiser={"lr": 2e-4, "weight_decay": 1e-5},
    )
