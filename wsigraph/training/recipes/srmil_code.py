"""SRMIL as its authors' code computes it."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.srmil import BIBTEX


@published(
    kind="graph",
    title="SRMIL as its authors' code computes it: window graph, reformer, supernode, three passes",
    equation=r"0.2\,(\mathrm{CE} + \mathrm{CE}_{masked})"
    r" + 1.8\, \mathrm{mean}_{i \in M} (1 - \cos(\hat x_i, x_i))^\alpha",
    bibtex=BIBTEX,
)
def srmil_code(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """Spatially regularised MIL, the authors' computation: window graph, reformer, supernode, three passes.

    The clean graph with a supernode gives CE, the masked graph with it CE_masked, and the masked patches
    alone are rebuilt: 0.2 (CE + CE_masked) + 1.8 L_rec. Prediction and heatmap read the clean pass.

    Source: Wu et al., WACV 2026, and the authors' code (commit 7bb63e8). Differs: training slides are
    shuffled anew in every epoch, any number of channels is taken, and windows are counted in grid steps.
    """
    return Recipe.from_dict(
        {
            "name": "srmil_code",
            "in_channels": in_channels,
            "classes": classes,
            "standardise": False,
            "graph": {"name": "window", "rings": 2},
            "encoder": {
                "name": "gat",
                "stem": "reformer",
                "hidden_channels": 256,
                "heads": 4,
                "num_layers": 2,
                "residuals": ["linear", "none"],
            },
            "views": {
                "clean": {"name": "supernode"},
                "masked": {"name": "masked", "rate": 0.7, "base": "clean"},
                "masked_patches": {"name": "patches_only", "base": "masked"},
            },
            "heads": {"bag": {"name": "supernode", "heads": 4, "hidden_channels": 128, "dropout": 0.059}},
            "terms": {
                "ce": {"name": "cross_entropy", "view": "clean", "weight": 0.2},
                "ce_masked": {"name": "cross_entropy", "view": "masked", "weight": 0.2},
                "reconstruction": {"name": "reconstruction", "view": "masked_patches", "weight": 1.8},
            },
            "checkpoint": {"monitor": "val_accuracy_auc", "from_epoch": 60, "patience": 100},
        }
    )
