"""DeepGraphConv: sums over neighbours in feature space, gated attention."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe

BIBTEX = """@inproceedings{li2018graph,
  title     = {Graph {CNN} for Survival Analysis on Whole Slide Pathological Images},
  author    = {Li, Ruoyu and Yao, Jiawen and Zhu, Xinliang and Li, Yeqing and Huang, Junzhou},
  booktitle = {Medical Image Computing and Computer Assisted Intervention (MICCAI)},
  year      = {2018},
  doi       = {10.1007/978-3-030-00934-2_20}
}"""
"""How to cite it."""


@published(
    kind="graph",
    title="DeepGraphConv as Patch-GCN compares with it: three GIN layers on a feature k-NN graph",
    equation=r"h^{l+1}_v = \mathrm{ReLU}(\mathrm{MLP}_l(h^l_v + \sum_{u \to v} h^l_u))",
    bibtex=BIBTEX,
)
def deepgraphconv(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Three isomorphism layers of 256 between patches that look alike, then gated attention.

    Source: Li et al., MICCAI 2018 (DeepGraphSurv), in the form that the code of Chen et al. 2021 (Patch-GCN)
    gives its baseline DeepGraphConv. Differs: from the paper, no spectral convolution, no Laplacian of a
    learned metric, no VGG features; from that code, edges to the 8 nearest in feature space, made mutual,
    where its index of features is asked for coordinates; sizes follow its defaults, though its forward pass
    reads a setting (``pool``) that its constructor never makes. Classes instead of survival; one dropout
    after the product of the attention's two halves; features are standardised; the same optimiser and
    checkpoint rule as the other recipes here. Coordinates only break ties: ``--set graph='{"name": "knn"}'``
    has it hear spatial neighbours.
    """
    return Recipe.from_dict(
        {
            "name": "deepgraphconv",
            "in_channels": in_channels,
            "classes": classes,
            "graph": {"name": "feature_knn", "k": 8},
            "self_loops": False,
            "encoder": {"name": "deepgraphconv", "hidden_channels": 256, "num_layers": 3},
            "views": {"clean": {"name": "clean"}},
            "heads": {
                "bag": {
                    "name": "bag",
                    "aggregator": {"name": "gated_attention", "hidden_channels": 256, "dropout": 0.25},
                    "hidden_channels": 256,
                    "dropout": 0.25,
                }
            },
            "terms": {"ce": {"name": "cross_entropy", "view": "clean", "weight": 1.0}},
        }
    )
