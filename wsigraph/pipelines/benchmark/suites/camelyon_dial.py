"""Semi-synthetic CAMELYON with its dials turned: smaller and larger lesions, and fainter ones."""

from __future__ import annotations

from collections.abc import Mapping

from wsigraph.pipelines.benchmark.semireal import Dials
from wsigraph.pipelines.benchmark.suites.camelyon import SemiCamelyon

SCALES = (0.5, 2.0)
"""Length of lesions against the true one; 1 is the suite ``camelyon``."""
STRENGTHS = (0.0, 0.5)
"""How surely a lesion looks epithelial, at the true size; at 0 nothing is there to be found."""


class SemiCamelyonDial(SemiCamelyon, name="camelyon_dial"):
    """The same outlines, lesions and folds as ``camelyon``, with one dial turned at a time.

    At strength 0 a lesion changes no row: a method that is better than chance there has found a leak.
    """

    title = "semi-synthetic CAMELYON with dials: lesions of half and twice the length, and of less contrast"

    @property
    def dials(self) -> Mapping[str, Dials]:
        """``camelyon_semisynthetic_scale_<s>``, then ``camelyon_semisynthetic_strength_<s>``."""
        scaled = {f"camelyon_semisynthetic_scale_{s:.1f}": Dials(scale=s) for s in SCALES}
        return scaled | {f"camelyon_semisynthetic_strength_{s:.1f}": Dials(strength=s) for s in STRENGTHS}
