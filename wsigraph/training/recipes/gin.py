"""Graph isomorphism network under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.gnn_recipe import gnn_recipe
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{xu2019how,
  title     = {How Powerful are Graph Neural Networks?},
  author    = {Xu, Keyulu and Hu, Weihua and Leskovec, Jure and Jegelka, Stefanie},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2019},
  note      = {arXiv:1810.00826}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Graph isomorphism network on the k-NN graph, then gated attention",
    equation=r"m_v = \mathrm{MLP}((1 + \epsilon) h_v + \sum_{u \to v} h_u)",
    bibtex=BIBTEX,
)
def gin(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Sums over neighbours through a small network: 2 layers of 256, then attention over the patches.

    Source: Xu et al. 2019 (GIN with learned epsilon). Differs: no batch normalisation in the network; the
    gated attention pool of ``abmil`` over the last layer instead of sums over every layer; residual,
    LayerNorm and PReLU around each layer; features are frozen, and a linear layer embeds them; the same
    optimiser and checkpoint rule as the other recipes here.
    """
    return gnn_recipe("gin", {}, in_channels=in_channels, classes=classes)
