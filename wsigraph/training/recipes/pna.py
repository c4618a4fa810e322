"""Principal neighbourhood aggregation under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.gnn_recipe import gnn_recipe
from wsigraph.training.recipe import Recipe

BIBTEX = r"""@inproceedings{corso2020principal,
  title     = {Principal Neighbourhood Aggregation for Graph Nets},
  author    = {Corso, Gabriele and Cavalleri, Luca and Beaini, Dominique and Li{\`o}, Pietro
               and Veli{\v{c}}kovi{\'c}, Petar},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2020},
  note      = {arXiv:2004.05718}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Principal neighbourhood aggregation on the k-NN graph, then gated attention",
    equation=r"m_v = U\,[h_v \Vert (1, \tfrac{\log(d_v + 1)}{\delta}, \tfrac{\delta}{\log(d_v + 1)})"
    r" \otimes (\mathrm{mean}, \max, \min, \mathrm{std})_{u \to v}\, M[h_v \Vert h_u]]",
    bibtex=BIBTEX,
)
def pna(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Four summaries of the neighbours at three scales of degree: 2 layers of 256, then attention over the
    patches.

    Source: Corso et al. 2020. Differs: delta is the constant log 10 of a patch inside tissue (8 neighbours
    and itself), not an average over training graphs; one tower; the gated attention pool of ``abmil`` reads
    the nodes; residual, LayerNorm and PReLU around each layer; features are frozen, and a linear layer
    embeds them; the same optimiser and checkpoint rule as the other recipes here.
    """
    return gnn_recipe("pna", {"typical_degree": 9}, in_channels=in_channels, classes=classes)
