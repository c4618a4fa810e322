"""SRMIL in this library's default form."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{wu2026srmil,
  title     = {Exploiting Label-Independent Regularization from Spatial Dependencies
               for Whole Slide Image Analysis},
  author    = {Wu, Weiyi and Xu, Xinwen and Gao, Chongyang and Diao, Xingjian and Li, Siting and Gui, Jiang},
  booktitle = {IEEE/CVF Winter Conference on Applications of Computer Vision (WACV)},
  year      = {2026},
  note      = {arXiv:2602.19487}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Spatially regularised MIL: masked reconstruction beside classification on a k-NN graph",
    equation=r"0.2\,(\mathrm{CE} + \mathrm{CE}_{masked})"
    r" + 1.8\, \mathrm{mean}_{i \in M} (1 - \cos(\hat x_i, x_i))^\alpha",
    bibtex=BIBTEX,
)
def srmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Spatially regularised MIL: classify the clean and the masked graph, and rebuild what was masked.

    The loss is 0.2 (CE + CE_masked) + 1.8 L_rec, that is the paper's
    (2 - w_gen) [(2 - w_ce) CE_masked + w_ce CE] + w_gen L_rec with w_gen 1.8 and w_ce 1.

    Source: Wu et al., WACV 2026. Differs: k-NN graph with ties instead of a window, a linear stem instead of
    the square reformer, gated attention over all nodes instead of a supernode, one masked pass instead of
    two, the best validation loss instead of the best validation accuracy after epoch 60.
    """
    return Recipe.from_dict(
        {
            "name": "srmil",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "encoder": {"name": "gat", "hidden_channels": 256, "heads": 4, "num_layers": 2},
            "views": {"clean": {"name": "clean"}, "masked": {"name": "masked", "rate": 0.7}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gated_attention", "hidden_channels": 128},
                    "hidden_channels": 128,
                }
            },
            "terms": {
                "ce": {"name": "cross_entropy", "view": "clean", "weight": 0.2},
                "ce_masked": {"name": "cross_entropy", "view": "masked", "weight": 0.2},
                "reconstruction": {"name": "reconstruction", "view": "masked", "weight": 1.8},
            },
        }
    )
