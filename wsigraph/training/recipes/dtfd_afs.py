"""Double-tier feature distillation by the vectors of pseudo-bags."""

from __future__ import annotations

from wsigraph.training.catalog import published
from wsigraph.training.recipe import Recipe
from wsigraph.training.recipes.dtfd_maxmins import BIBTEX, dtfd


@published(
    kind="set",
    title="Two tiers: pseudo-bags, then gated attention over their vectors",
    equation=r"z_m = \sum_{i \in m} a_i h_i, \quad y_m = W z_m, \quad y = W' \sum_m a'_m z_m",
    bibtex=BIBTEX,
)
def dtfd_afs(*, in_channels: int, classes: tuple[str, ...]) -> Recipe:
    """DTFD-MIL with AFS: the vectors of 5 pseudo-bags make the second tier's bag.

    Source: Zhang et al. 2022, and the authors' code. Differs: as recipe dtfd_maxmins, but for the ranking,
    which AFS has none of.
    """
    return dtfd("dtfd_afs", "afs", in_channels=in_channels, classes=classes)
