"""WiKG: a graph learned from the features, with knowledge-aware attention."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{li2024dynamic,
  title     = {Dynamic Graph Representation with Knowledge-aware Attention for Histopathology
               Whole Slide Image Analysis},
  author    = {Li, Jiawen and Chen, Yuxuan and Chu, Hongbo and Sun, Qiehe and Guan, Tian and Han, Anjia
               and He, Yonghong},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2024},
  note      = {arXiv:2403.07719}
}"""
"""How to cite it."""


@published(
    kind="set",
    title="Knowledge-aware attention to the 6 best tails of each patch: a graph that is learned, not read",
    equation=r"r_{ij} = p_{ij} t_j + (1 - p_{ij}) h_i, \quad"
    r" n_i = \sum_j \mathrm{softmax}_j (t_j \cdot \tanh(h_i + r_{ij}))\, t_j, \quad"
    r" y = W\,\mathrm{LN} \sum_i a_i \bigl(f(W_1(h_i + n_i)) + f(W_2(h_i \odot n_i))\bigr)",
    bibtex=BIBTEX,
)
def wikg(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Embed each patch as head and tail, let each head attend to its best tails, pool by attention, classify.

    Source: Li et al. 2024 and the authors' code (512, 6 tails, dropout .3, readout by attention). Differs:
    tail and gate meet in a dot product, as published, where the authors' code multiplies the sum of one by
    the sum of the other; their released training script pools by the mean, their model's default, taken here,
    is attention; the same optimiser and checkpoint rule as the other recipes here (published code: Adam 1e-4,
    weight decay 1e-5, 100 epochs, the best validation scores).
    """
    return Recipe.from_dict(
        {
            "name": "wikg",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "edgeless"},
            "self_loops": False,
            "encoder": {"name": "wikg", "hidden_channels": 512, "neighbours": 6, "dropout": 0.3},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "global_attention"},
                    "hidden_channels": 0,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
