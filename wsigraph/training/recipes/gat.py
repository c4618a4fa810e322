"""Graph attention under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.gnn_recipe import gnn_recipe
from wsigraph.training.recipe import Recipe

BIBTEX = r"""@inproceedings{velickovic2018graph,
  title     = {Graph Attention Networks},
  author    = {Veli{\v{c}}kovi{\'c}, Petar and Cucurull, Guillem and Casanova, Arantxa and Romero, Adriana
               and Li{\`o}, Pietro and Bengio, Yoshua},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2018},
  note      = {arXiv:1710.10903}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Graph attention on the k-NN graph, then gated attention",
    equation=r"m_v = \Vert_k \sum_{u \to v} \mathrm{softmax}_u\, \mathrm{LeakyReLU}(s^k_u + t^k_v)\,"
    r" W^k h_u + b",
    bibtex=BIBTEX,
)
def gat(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Attention over neighbours: 2 layers of 4 heads of 64, then attention over the patches.

    Source: Velickovic et al. 2018. Differs: attention dropout .15; slides are classified, by the gated
    attention pool of ``abmil``, instead of nodes; residual, LayerNorm and PReLU around each layer; features
    are frozen, and a linear layer embeds them; the same optimiser and checkpoint rule as the other recipes
    here.
    """
    return gnn_recipe(
        "gat", {"heads": 4, "attention_dropout": 0.15}, in_channels=in_channels, classes=classes
    )
