"""Graph attention of the second kind under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.gnn_recipe import gnn_recipe
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{brody2022how,
  title     = {How Attentive are Graph Attention Networks?},
  author    = {Brody, Shaked and Alon, Uri and Yahav, Eran},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2022},
  note      = {arXiv:2105.14491}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="GATv2 on the k-NN graph, then gated attention",
    equation=r"e_{uv} = a^\top \mathrm{LeakyReLU}(W_s h_u + W_t h_v),"
    r" \quad m_v = \sum_{u \to v} \mathrm{softmax}_u(e_{uv})\, W_s h_u + b",
    bibtex=BIBTEX,
)
def gatv2(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Attention whose ranking depends on the node that asks: 2 layers of 4 heads of 64, then the pool.

    Source: Brody et al. 2022. Differs: attention dropout .15; slides are classified, by the gated attention
    pool of ``abmil``, instead of nodes; residual, LayerNorm and PReLU around each layer; features are
    frozen, and a linear layer embeds them; the same optimiser and checkpoint rule as the other recipes here.
    """
    return gnn_recipe(
        "gatv2", {"heads": 4, "attention_dropout": 0.15}, in_channels=in_channels, classes=classes
    )
