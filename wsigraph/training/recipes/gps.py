"""GPS, a graph transformer, under the gated pool."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = r"""@inproceedings{rampasek2022recipe,
  title     = {Recipe for a General, Powerful, Scalable Graph Transformer},
  author    = {Ramp{\'a}{\v{s}}ek, Ladislav and Galkin, Mikhail and Dwivedi, Vijay Prakash and
               Luu, Anh Tuan and Wolf, Guy and Beaini, Dominique},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2022},
  note      = {arXiv:2205.12454}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="GPS: message passing beside linear attention over the whole slide, then gated attention",
    equation=r"m = \mathrm{LN}(h + \mathrm{GIN}(h, E)), \quad a = \mathrm{LN}(h + \mathrm{attend}(h)),"
    r" \quad h' = \mathrm{LN}(m + a + \mathrm{MLP}(m + a))",
    bibtex=BIBTEX,
)
def gps(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Two GPS layers of 256 and 4 heads on the k-NN graph; GIN for neighbours, Performer for the slide.

    Source: Rampasek et al. 2022, as torch_geometric's ``GPSConv`` computes it (Performer with ReLU features).
    Differs: LayerNorm instead of batch normalisation, by which slides of a batch would hear each other; no
    positional or structural encodings; random directions are drawn once; slides are classified by the gated
    attention pool of ``abmil``; the same optimiser and checkpoint rule as the other recipes here.
    """
    return Recipe.from_dict(
        {
            "name": "gps",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "self_loops": False,
            "encoder": {
                "name": "gps",
                "hidden_channels": 256,
                "heads": 4,
                "num_layers": 2,
                "dropout": 0.25,
            },
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gated_attention", "hidden_channels": 128, "dropout": 0.25},
                    "hidden_channels": 0,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
