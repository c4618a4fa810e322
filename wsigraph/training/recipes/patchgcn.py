"""Patch-GCN: generalised graph convolutions, dense connections, gated attention."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{chen2021whole,
  title     = {Whole Slide Images are 2D Point Clouds: Context-Aware Survival Prediction using
               Patch-based Graph Convolutional Networks},
  author    = {Chen, Richard J. and Lu, Ming Y. and Shaban, Muhammad and Chen, Chengkuan and Chen, Tiffany Y.
               and Williamson, Drew F. K. and Mahmood, Faisal},
  booktitle = {Medical Image Computing and Computer Assisted Intervention (MICCAI)},
  year      = {2021},
  note      = {arXiv:2107.13048}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Patch-GCN: three GENConv layers, all read side by side, then gated attention",
    equation=r"h^{l+1} = h^l + \mathrm{ReLU}(\mathrm{LN}(\mathrm{MLP}(h^l + \mathrm{softmax\,sum}_{u \to v}"
    r"(\mathrm{ReLU}(h^l_u) + \epsilon)))), \quad x = \Phi\,[h^0 \Vert h^1 \Vert h^2 \Vert h^3]",
    bibtex=BIBTEX,
)
def patchgcn(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Messages weighed by a softmax of learned temperature; the pool reads the outputs of every layer.

    Widths 128, then 4 x 128 = 512 for the map of all layers, the attention and the classifier's middle.

    Source: Chen et al., MICCAI 2021, and the authors' code. Differs: classes instead of survival hazards;
    neighbours are mutual, ties are kept and none is farther than 3 steps, where the code takes 8 by an
    approximate index that messages leave one way; one dropout after the product of the attention's two
    halves instead of one in each; features are standardised; the same optimiser and checkpoint rule as the
    other recipes here (theirs: Adam 2e-4, 20 epochs, gradients of 32 slides).
    """
    return Recipe.from_dict(
        {
            "name": "patchgcn",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "self_loops": False,
            "encoder": {"name": "patchgcn", "hidden_channels": 128, "num_layers": 3, "dropout": 0.25},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gated_attention", "hidden_channels": 512, "dropout": 0.25},
                    "hidden_channels": 512,
                    "dropout": 0.25,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
