"""Gated attention MIL on the set of patches: the first baseline."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{ilse2018attention,
  title     = {Attention-based Deep Multiple Instance Learning},
  author    = {Ilse, Maximilian and Tomczak, Jakub M. and Welling, Max},
  booktitle = {International Conference on Machine Learning (ICML)},
  year      = {2018},
  note      = {arXiv:1802.04712}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Gated attention over the set of patches",
    equation=r"a_i = \mathrm{softmax}_i\, w^\top (\tanh V h_i \odot \sigma(U h_i)),"
    r" \quad y = W \sum_i a_i h_i",
    bibtex=BIBTEX,
)
def abmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, weigh by gated attention, classify the sum.

    Source: Ilse et al. 2018 (gated variant). Differs: a linear embedding of frozen features (512, dropout
    .25) instead of a convolutional one; the same optimiser and checkpoint rule as the other recipes here.
    """
    return Recipe.from_dict(
        {
            "name": "abmil",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "edgeless"},
            "self_loops": False,
            "encoder": {"name": "mlp", "hidden_channels": 512, "dropout": 0.25},
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
