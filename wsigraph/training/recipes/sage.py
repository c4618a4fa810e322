"""GraphSAGE under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.gnn_recipe import gnn_recipe
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{hamilton2017inductive,
  title     = {Inductive Representation Learning on Large Graphs},
  author    = {Hamilton, William L. and Ying, Rex and Leskovec, Jure},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2017},
  note      = {arXiv:1706.02216}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="GraphSAGE (mean) on the k-NN graph, then gated attention",
    equation=r"m_v = W_1 h_v + W_2\, \mathrm{mean}_{u \to v} h_u + b",
    bibtex=BIBTEX,
)
def sage(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Means over neighbours beside the node itself: 2 layers of 256, then attention over the patches.

    Source: Hamilton et al. 2017 (mean aggregator). Differs: all neighbours instead of a sample, and no L2
    normalisation; slides are classified, by the gated attention pool of ``abmil``, instead of nodes;
    residual, LayerNorm and PReLU around each layer; features are frozen, and a linear layer embeds them; the
    same optimiser and checkpoint rule as the other recipes here.
    """
    return gnn_recipe("sage", {}, in_channels=in_channels, classes=classes)
