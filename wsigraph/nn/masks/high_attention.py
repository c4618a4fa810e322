"""The patches that another view looks at most."""

from __future__ import annotations

import torch
from torch import Tensor

from wsigraph.errors import GraphError, RecipeError, expected
from wsigraph.nn.masks.base import MaskDraw, first_per_slide, random_order, share_of
from wsigraph.nn.views.base import Nodes


class HighAttention(MaskDraw, name="high_attention"):
    """Hide the patches of highest attention, so that the slide must be told by the others.

    Args:
        view: The view whose attention ranks the patches; it runs first.
        random_share: Part of the hidden patches that is drawn uniformly among those not chosen by attention.
            With 0 the mask changes only as attention does.

    Raises: RecipeError: if ``random_share`` is not between 0 and 1. GraphError: if the view gives no
        attention.
    Source: AttMask-High (Kakogeorgiou et al. 2022) and MHIM-MIL (Tang et al. 2023). Differs: the attention is
        the model's own of the same step, without gradient, not that of a teacher that follows it slowly.
    """

    def __init__(self, *, view: str = "clean", random_share: float = 0.5) -> None:
        if not 0.0 <= random_share <= 1.0:
            raise RecipeError(
                expected("Mask 'high_attention'", "a random_share between 0 and 1", f"{random_share}")
            )
        self.attends, self.random_share = view, random_share

    def draw(self, nodes: Nodes, *, rate: float) -> Tensor:
        """floor(rate n) patches per slide: ``[N]`` bool; ties of attention are broken at random."""
        attention = nodes.attention.get(str(self.attends))
        if attention is None:
            raise GraphError(
                expected(
                    "Mask 'high_attention'",
                    f"attention of view '{self.attends}'",
                    "none",
                    todo="Choose a head whose aggregator weighs patches, or another mask.",
                )
            )
        wanted, order = share_of(nodes, rate=rate), random_order(nodes)
        by_attention = torch.floor(wanted * (1.0 - self.random_share) + 1e-9).long()
        highest = order[torch.argsort(attention[order], descending=True, stable=True)]
        top = first_per_slide(highest, nodes, wanted=by_attention)
        # those chosen by attention first, then the others in random order
        return first_per_slide(torch.cat([order[top[order]], order[~top[order]]]), nodes, wanted=wanted)
