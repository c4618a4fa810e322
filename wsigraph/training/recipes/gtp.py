"""GTP: graph convolution, min-cut clusters and a transformer."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@article{zheng2022graph,
  title   = {A Graph-Transformer for Whole Slide Image Classification},
  author  = {Zheng, Yi and Gindra, Rushin H. and Green, Emily J. and Burks, Eric J. and Betke, Margrit
             and Beane, Jennifer E. and Kolachalama, Vijaya B.},
  journal = {IEEE Transactions on Medical Imaging},
  volume  = {41},
  number  = {11},
  pages   = {3003--3015},
  year    = {2022},
  note    = {arXiv:2205.09671}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Graph convolution, min-cut pooling into 100 clusters, a transformer over class token and clusters",
    equation=r"S = \mathrm{softmax}(W h), \quad y = U\,\mathrm{Transformer}([t; S^\top h])_t,"
    r" \quad L = \mathrm{CE} - \frac{\mathrm{tr}(S^\top A S)}{\mathrm{tr}(S^\top D S)}"
    r" + \lVert \frac{S^\top S}{\lVert S^\top S \rVert} - \frac{I}{\sqrt K} \rVert",
    bibtex=BIBTEX,
    not_exported="its pool reads the edges, which an exported program passes to the encoder alone",
)
def gtp(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Hear the neighbours, pool the graph into clusters, let a transformer read them.

    Source: Zheng et al. 2022 and the authors' code (one graph convolution to 64 channels, 100 clusters, 3
    blocks of 8 heads, both losses of the clusters with weight 1). Differs: frozen features are embedded (512,
    dropout .25) instead of learned by contrast; LayerNorm instead of BatchNorm, which would mix the slides of
    a batch; the convolution is normalised by degrees and followed by ReLU as in the paper, not the plain sum
    of the code; k-NN edges that keep ties instead of the 8 lattice neighbours; no GraphCAM, so no attention;
    the same optimiser and checkpoint rule as the other recipes here (published: Adam 1e-3, weight decay 5e-4,
    120 epochs, 8 slides per step, best validation accuracy).
    """
    return Recipe.from_dict(
        {
            "name": "gtp",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "encoder": {"name": "mlp", "hidden_channels": 512, "dropout": 0.25},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gtp", "hidden_channels": 64, "clusters": 100},
                    "hidden_channels": 0,
                }
            },
            "terms": {
                "ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0},
                "min_cut": {"name": "min_cut", "view": "clean", "weight": 1.0},
            },
        }
    )
