"""Graph convolution under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.gnn_recipe import gnn_recipe
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{kipf2017semi,
  title     = {Semi-Supervised Classification with Graph Convolutional Networks},
  author    = {Kipf, Thomas N. and Welling, Max},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2017},
  note      = {arXiv:1609.02907}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Graph convolution on the k-NN graph, then gated attention",
    equation=r"m_v = \sum_{u \to v} \frac{1}{\sqrt{d_u d_v}} W h_u + b",
    bibtex=BIBTEX,
)
def gcn(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Sums over neighbours, weighed by both degrees: 2 layers of 256, then attention over the patches.

    Source: Kipf and Welling 2017. Differs: slides are classified, by the gated attention pool of ``abmil``,
    instead of nodes; residual, LayerNorm and PReLU around each layer; features are frozen, and a linear
    layer embeds them; the same optimiser and checkpoint rule as the other recipes here.
    """
    return gnn_recipe("gcn", {}, in_channels=in_channels, classes=classes)
