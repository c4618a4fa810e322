"""CAMIL: context-aware MIL, attention over the slide fused with attention to neighbours."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{fourkioti2024camil,
  title     = {{CAMIL}: Context-Aware Multiple Instance Learning for Cancer Detection and Subtyping
               in Whole Slide Images},
  author    = {Fourkioti, Olga and De Vries, Matt and Bakal, Chris},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year      = {2024},
  note      = {arXiv:2305.05314}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="Nystrom attention over the slide, fused with attention to neighbours, then gated attention",
    equation=r"l_i = \mathrm{softmax}_i\bigl(\sum_{j \in N(i)} s_{ij}\, q_i \cdot k_j\bigr) v_i, \quad"
    r" m_i = \sigma(l_i) \odot l_i + (1 - \sigma(l_i)) \odot t_i, \quad y = W \sum_i a_i m_i",
    bibtex=BIBTEX,
    not_exported="patches are put in raster order, and an exported program is given no positions",
)
def camil(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Let each patch hear its slide, fuse it with what it says of its neighbourhood, pool, classify.

    Source: Fourkioti et al. 2024 and the authors' code (512, 8 heads, 256 landmarks, queries and keys of 256,
    gated attention of 128). Differs: a linear embedding of frozen features (512, dropout .25); the fusion and
    the values are the published ones, the code's differ; patches resemble each other by the cosine of their
    embeddings, and not by distances that the code scales patch by patch; k-NN edges that keep ties, loops
    included, instead of the 8 nearest of which the patch is one; patches in raster order; gated attention
    reads the fused patches, as in the code; the same optimiser and checkpoint rule as the other recipes here
    (published code: Adam 2e-4, 30 epochs, the best validation loss).
    """
    return Recipe.from_dict(
        {
            "name": "camil",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "knn", "k": 8},
            "encoder": {"name": "camil", "hidden_channels": 512, "heads": 8, "landmarks": 256},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gated_attention", "hidden_channels": 128},
                    "hidden_channels": 0,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
