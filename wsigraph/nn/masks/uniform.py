"""Every patch equally likely."""

from __future__ import annotations

from torch import Tensor

from wsigraph.nn.masks.base import MaskDraw, first_per_slide, random_order, share_of
from wsigraph.nn.views.base import Nodes


class Uniform(MaskDraw, name="uniform"):
    """Each patch of a slide as likely as any other, without repetition.

    Source: MAE (He et al. 2022); SRMIL (Wu et al. 2026).
    """

    def draw(self, nodes: Nodes, *, rate: float) -> Tensor:
        """floor(rate n) patches per slide: ``[N]`` bool."""
        return first_per_slide(random_order(nodes), nodes, wanted=share_of(nodes, rate=rate))
