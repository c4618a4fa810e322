"""Attention MIL that is smooth over the graph of patches."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{castro2024sm,
  title     = {Sm: enhanced localization in Multiple Instance Learning for medical imaging classification},
  author    = {Castro-Mac{\\'i}as, Francisco M. and Morales-{\\'A}lvarez, Pablo and Wu, Yunan
               and Molina, Rafael and Katsaggelos, Aggelos K.},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year      = {2024},
  note      = {arXiv:2410.03276}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Attention over patches smoothed along a k-NN graph",
    equation=r"h' = (I + \gamma L)^{-1} h, \quad a_i = \mathrm{softmax}_i\, w^\top \tanh V h'_i,"
    r" \quad y = W \sum_i a_i h'_i",
    bibtex=BIBTEX,
    not_exported="its pool reads the edges, which an exported program passes to the encoder alone",
)
def smooth_abmil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch, smooth the embeddings along the graph, weigh by attention, classify the sum.

    Source: Castro-Macias et al. 2024 and the authors' code (operator before the scores, 10 iterations, alpha
    learned from .5 on, tanh). Differs: a linear embedding of frozen features (512, dropout .25) and attention
    of width 128 as in the other attention recipes here; alpha is a sigmoid, so that it stays between 0 and 1;
    no spectral normalisation of the layers after the operator; a patch without neighbours keeps its row; the
    same optimiser and checkpoint rule as the other recipes here (published: Adam 1e-4, 50 epochs, 4 slides
    per step).
    """
    return Recipe.from_dict(
        {
            "name": "smooth_abmil",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "self_loops": False,
            "encoder": {"name": "mlp", "hidden_channels": 512, "dropout": 0.25},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "smooth_attention", "hidden_channels": 128, "dropout": 0.25},
                    "hidden_channels": 0,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
