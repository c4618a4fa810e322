"""SRMIL's label-free half alone."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.srmil import BIBTEX


@published(
    kind="graph",
    title="SRMIL's reconstruction alone: label-free pretraining for --start-from",
    equation=r"\mathrm{mean}_{i \in M} (1 - \cos(\hat x_i, x_i))^\alpha",
    bibtex=BIBTEX,
)
def srmil_pretrain(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Rebuild masked patches from their neighbours, without labels: an encoder for ``srmil`` to start from.

    Graph, encoder, mask and decoder are those of ``srmil``; there is no head, so labels are never read and
    nothing is predicted. The epoch with the lowest reconstruction loss on the validation slides is kept.

    Args:
        in_channels: Width of the features.
        classes: Not used: what is learned has no classes.

    Source: the reconstruction term of SRMIL (Wu et al., WACV 2026). Differs: alone and first, as
    GraphMAE (Hou et al. 2022) pretrains, where SRMIL trains it beside the classifier.
    """
    return Recipe.from_dict(
        {
            "name": "srmil_pretrain",
            "in_channels": in_channels,
            "graph": {"name": "knn", "k": 8},
            "encoder": {"name": "gat", "hidden_channels": 256, "heads": 4, "num_layers": 2},
            "views": {"clean": {"name": "clean"}, "masked": {"name": "masked", "rate": 0.7}},
            "heads": {},
            "terms": {"reconstruction": {"name": "reconstruction", "view": "masked", "weight": 1.0}},
            "checkpoint": {"monitor": "val_total"},
        }
    )
